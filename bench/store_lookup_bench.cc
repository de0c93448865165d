// What the daemon's own part of a Lookup costs: BlockStore::Lookup in this process, without a
// socket, of chains of 512 blocks whose records lie in memory in random order; and what a block
// costs in memory beside its payload.
//
//   halflife_store_lookup_bench [resident blocks, default 1,000,000]
//
// The blocks' payload is never written, so a million of 4 KiB take no memory. One JSON object per
// row; times are of a thread's processor per call, medians of rounds; bytes are anonymous memory.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/process_memory.h"
#include "storage/block_store.h"

namespace halflife {
namespace {

constexpr uint32_t kChainBlocks = 512;
constexpr size_t kBlockBytes = 4096;
constexpr int kRounds = 7;
constexpr int kCallsPerRound = 4000;

double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

uint64_t AnonymousBytes() { return bench::StatusBytes("self", "RssAnon"); }

BlockHash HashOf(uint64_t number) {
  std::mt19937_64 random(number);
  BlockHash hash;
  for (size_t at = 0; at < hash.bytes.size(); at += 8) {
    const uint64_t word = random();
    std::copy_n(reinterpret_cast<const uint8_t*>(&word), 8, hash.bytes.begin() + at);
  }
  return hash;
}

class Bench {
 public:
  explicit Bench(uint32_t blocks) : chains_((blocks + kChainBlocks - 1) / kChainBlocks) {
    BlockStore::Tiers tiers;
    const uint64_t payload_bytes = uint64_t{chains_} * kChainBlocks * kBlockBytes;
    tiers.arena =
        *DramArena::Create({.budget_bytes = payload_bytes / 10 * 12, .huge_pages = false});
    BlockStore::Options options;
    options.policy = "model";
    store_ = *BlockStore::Open(options, TenantSecret{}, std::move(tiers));
    NamespaceDescriptor descriptor;
    descriptor.engine = "bench";
    descriptor.model_name = "bench";
    descriptor.tokens_per_block = 16;
    descriptor.block_bytes = kBlockBytes;
    ns_ = *store_->OpenNamespace(descriptor);
    for (uint32_t i = 0; i < chains_ * kChainBlocks; ++i) hashes_.push_back(HashOf(i));
  }

  void Fill() {
    // All first blocks, then all second ones: a block that comes before its parent may be dropped.
    std::vector<uint32_t> chains(chains_);
    std::iota(chains.begin(), chains.end(), 0);
    std::mt19937 random(1);
    std::vector<uint32_t> order;
    for (uint32_t depth = 0; depth < kChainBlocks; ++depth) {
      std::shuffle(chains.begin(), chains.end(), random);
      for (const uint32_t chain : chains) order.push_back(chain * kChainBlocks + depth);
    }
    const uint64_t before_bytes = AnonymousBytes();
    for (const uint32_t i : order) {
      const BlockAddress address =
          store_->AddressOf(ChainOf(i / kChainBlocks), i % kChainBlocks, 0);
      store_->AllocateForPut(ns_, address, [&](absl::StatusOr<BlockBuffer> buffer) {
        if (!buffer.ok()) std::abort();
        BlockStore::PutBlock put;
        put.address = address;
        put.buffer = *std::move(buffer);
        put.depth = i % kChainBlocks;
        if (put.depth > 0) {
          put.parent = store_->AddressOf(ChainOf(i / kChainBlocks), put.depth - 1, 0).key;
        }
        put.computed = put.checksum;  // nobody reads the payload
        if (store_->Commit(ns_, std::move(put), {}) != PutOutcome::kStored) std::abort();
      });
    }
    store_->Quiesce();
    std::printf(
        "{\"row\": \"memory\", \"resident_blocks\": %zu, \"bytes_per_block\": %.1f}\n",
        hashes_.size(),
        static_cast<double>(AnonymousBytes() - before_bytes) / static_cast<double>(hashes_.size()));
  }

  void Measure(const char* row, int threads) const {
    std::vector<double> medians(threads);
    std::vector<std::thread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([this, t, &medians] { medians[t] = MedianOfRounds(t); });
    }
    for (std::thread& thread : running) thread.join();
    std::printf(
        "{\"row\": \"%s\", \"resident_blocks\": %zu, \"us_per_lookup\": %.1f, "
        "\"ns_per_block\": %.1f}\n",
        row, hashes_.size(), *std::max_element(medians.begin(), medians.end()) * 1e6,
        *std::max_element(medians.begin(), medians.end()) * 1e9 / kChainBlocks);
    std::fflush(stdout);
  }

 private:
  ChainSlice ChainOf(uint32_t chain) const {
    ChainSlice slice;
    slice.ns = ns_;
    slice.hashes = absl::MakeConstSpan(hashes_).subspan(size_t{chain} * kChainBlocks, kChainBlocks);
    return slice;
  }

  double MedianOfRounds(int seed) const {
    std::mt19937 random(seed);
    std::vector<double> seconds;
    for (int round = 0; round < kRounds; ++round) {
      const double start = ProcessorSeconds();
      for (int call = 0; call < kCallsPerRound; ++call) {
        if (store_->Lookup(ChainOf(random() % chains_), {}, {}).prefix_blocks != kChainBlocks) {
          std::abort();
        }
      }
      seconds.push_back((ProcessorSeconds() - start) / kCallsPerRound);
    }
    std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
    return seconds[kRounds / 2];
  }

  const uint32_t chains_;
  std::unique_ptr<BlockStore> store_;
  NamespaceRef ns_;
  std::vector<BlockHash> hashes_;
};

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  halflife::Bench bench(argc > 1 ? static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10))
                                 : 1'000'000);
  bench.Fill();
  bench.Measure("one thread", 1);
  bench.Measure("two threads", 2);
  return 0;
}
