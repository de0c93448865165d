// What the residency path costs: time per touched block and per eviction, memory per resident
// block, and the time of a refit.
//
//   halflife_residency_bench [resident blocks, default 10,000,000]
//
// Requests of 50 blocks: half of them are the next turn of one of the last 10,000 conversations
// (40 known blocks, 10 new), half are new conversations. Time is the trace's own. One JSON object.

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "storage/residency/model/model_policy.h"

namespace halflife {
namespace {

constexpr uint32_t kRequestBlocks = 50;
constexpr uint32_t kNewBlocks = 10;
constexpr size_t kConversations = 10'000;
constexpr int64_t kRequestIntervalNs = 10'000'000;

// Processor time of this thread: what a shared machine does meanwhile does not count.
double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double SecondsSince(double start_s) { return ProcessorSeconds() - start_s; }

BlockKey KeyOf(uint64_t number) {
  BlockKey key;
  uint64_t head = (number + 1) * 0x9e3779b97f4a7c15;
  head = (head ^ (head >> 32)) * 0xbf58476d1ce4e5b9;
  head ^= head >> 29;
  std::memcpy(key.block.data(), &head, sizeof head);
  std::memcpy(key.block.data() + sizeof head, &number, sizeof number);
  return key;
}

class Bench {
 public:
  void Fill(size_t resident_blocks) {
    while (resident_ < resident_blocks) Serve();
  }

  void Measure(size_t requests) {
    touch_s_ = insert_s_ = evict_s_ = 0;
    touched_ = inserted_ = evicted_ = 0;
    const size_t resident_blocks = resident_;
    for (size_t i = 0; i < requests; ++i) {
      Serve();
      EvictTo(resident_blocks);
    }
  }

  void Print() const {
    const ModelReport stats = policy_.Report(now_ns_);
    std::printf(
        "{\"resident_blocks\": %zu, \"ghosts\": %zu, \"touched_blocks\": %zu, "
        "\"ns_per_touched_block\": %.0f, \"ns_per_inserted_block\": %.0f, "
        "\"evicted_blocks\": %zu, \"ns_per_eviction\": %.0f, \"bytes_per_resident_block\": %.1f, "
        "\"refit_ms\": %.2f}\n",
        resident_, stats.ghosts, touched_, touch_s_ * 1e9 / static_cast<double>(touched_),
        insert_s_ * 1e9 / static_cast<double>(inserted_), evicted_,
        evict_s_ * 1e9 / static_cast<double>(evicted_),
        static_cast<double>(stats.memory_bytes) / static_cast<double>(resident_), RefitMs());
  }

 private:
  // Of 32 categories and 100,000 open cohorts.
  static double RefitMs() {
    ReuseObserver observer;
    RetentionTable table;
    for (int i = 0; i < 100'000; ++i) {
      const RequestFeatures features = FeaturesOf(static_cast<Category>(i % 32), 8, i % 512);
      const uint8_t group = static_cast<uint8_t>(i % kHistoryGroups);
      const auto id = observer.Open(int64_t{i} * kRequestIntervalNs, {group, features, 1}, 1);
      observer.Join(id);
      observer.Join(id);
      observer.EndInReuse(id, int64_t{i} * kRequestIntervalNs + 1'000'000'000);
    }
    observer.Refit(int64_t{100'000} * kRequestIntervalNs);
    const double start = ProcessorSeconds();
    observer.Refit(int64_t{100'000} * kRequestIntervalNs + 30'000'000'000);
    table.Refresh(observer.fit());
    double sum = 0;  // of every curve: more than a workload uses
    for (int group = 0; group < kHistoryGroups; ++group) {
      for (int level = 0; level < kMultiplierLevels; ++level) sum += table.IndexOf(group, level, 1);
    }
    if (sum <= 0) std::abort();
    return SecondsSince(start) * 1e3;
  }

  void Serve() {
    now_ns_ += kRequestIntervalNs;
    std::vector<uint64_t> blocks;
    const bool next_turn = conversations_.size() == kConversations && random_() % 2 == 0;
    const size_t conversation = next_turn ? random_() % kConversations : next_++ % kConversations;
    if (next_turn) {
      const std::vector<uint64_t>& before = conversations_[conversation];
      blocks.assign(before.begin(), before.begin() + (kRequestBlocks - kNewBlocks));
    }
    while (blocks.size() < kRequestBlocks) blocks.push_back(next_block_++);
    std::vector<BlockKey> keys;
    for (const uint64_t block : blocks) keys.push_back(KeyOf(block));

    double start = ProcessorSeconds();
    policy_.OnTouch({.now_ns = now_ns_,
                     .category = static_cast<Category>(1 + conversation % 32),
                     .keys = keys,
                     .block_tokens = 16});
    touch_s_ += SecondsSince(start);
    touched_ += keys.size();
    start = ProcessorSeconds();
    for (uint32_t i = 0; i < kRequestBlocks; ++i) {
      if (blocks[i] < in_dram_.size() && in_dram_[blocks[i]]) continue;
      BlockFacts facts;
      facts.key = keys[i];
      if (i > 0) facts.parent = keys[i - 1];
      facts.depth = i;
      facts.last_touch_ns = now_ns_;
      policy_.OnInsert(Tier::kDram, facts);
      if (blocks[i] >= in_dram_.size()) in_dram_.resize(2 * blocks[i] + 1024);
      in_dram_[blocks[i]] = true;
      ++resident_;
      ++inserted_;
    }
    insert_s_ += SecondsSince(start);
    if (conversations_.size() < kConversations) {
      conversations_.push_back(std::move(blocks));
    } else {
      conversations_[conversation] = std::move(blocks);
    }
  }

  void EvictTo(size_t resident_blocks) {
    const double start = ProcessorSeconds();
    while (resident_ > resident_blocks) {
      const std::optional<BlockKey> victim = policy_.NextVictim(Tier::kDram, now_ns_);
      if (!victim) std::abort();
      policy_.OnRemove(Tier::kDram, *victim);
      uint64_t block;
      std::memcpy(&block, victim->block.data() + sizeof block, sizeof block);
      in_dram_[block] = false;
      --resident_;
      ++evicted_;
    }
    evict_s_ += SecondsSince(start);
  }

  ModelPolicy policy_{{}};
  std::mt19937_64 random_{1};
  std::vector<std::vector<uint64_t>> conversations_;
  std::vector<bool> in_dram_;
  uint64_t next_block_ = 0;
  size_t next_ = 0;
  int64_t now_ns_ = 0;
  size_t resident_ = 0;
  double touch_s_ = 0, insert_s_ = 0, evict_s_ = 0;
  size_t touched_ = 0, inserted_ = 0, evicted_ = 0;
};

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  const size_t resident_blocks = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  halflife::Bench bench;
  bench.Fill(resident_blocks);
  // Until evictions have made as many ghosts as they may.
  bench.Measure(resident_blocks / 25);
  bench.Measure(40'000);
  bench.Print();
  return 0;
}
