// What the index of the SSD tier takes: entries committed in batches, old ones erased, as fast as
// it goes and at a given rate, and how long the worst batch took.
//
//   halflife_ssd_index_bench DIRECTORY [entries per second, default 100,000] [seconds, default 20]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/log.h"
#include "common/strings.h"
#include "rocksdb/env.h"
#include "storage/tiers/ssd_index.h"

namespace halflife {
namespace {

constexpr int kPartitions = 8;
constexpr uint64_t kQuotaBytes = uint64_t{1} << 40;
constexpr size_t kLive = 1'000'000;  // 1 TiB in blocks of 1 MiB
constexpr size_t kBatch = 64;        // entries, of one partition

class Bench {
 public:
  explicit Bench(const std::string& directory)
      : shared_(RocksShared::Create(rocksdb::Env::Default(), Clock::Real(),
                                    RocksSizes::ForQuota(kQuotaBytes, kPartitions), kPartitions)) {
    for (int i = 0; i < kPartitions; ++i) {
      const std::string place = StrCat(directory, "/partition-", i);
      std::filesystem::remove_all(place);
      auto index = SsdIndex::Open({place, i, kPartitions, kQuotaBytes}, shared_);
      if (!index.ok()) {
        std::fprintf(stderr, "%s\n", std::string(index.status().message()).c_str());
        std::exit(1);
      }
      indexes_.push_back(*std::move(index));
      live_.emplace_back();
    }
  }

  void Fill() {
    for (size_t i = 0; i < kLive / kBatch; ++i) Commit(/*until_accepted=*/true);
  }

  // Puts a batch of entries, and erases as many others once the index is full.
  void Commit(bool until_accepted) {
    const auto partition = static_cast<size_t>(turn_++ % kPartitions);
    std::vector<BlockKey>& live = live_[partition];
    SsdIndex::Entries entries;
    std::vector<BlockKey> fresh;
    for (size_t i = 0; i < kBatch; ++i) {
      BlockKey key;
      for (size_t at = 0; at < key.block.size(); at += sizeof(uint64_t)) {
        const uint64_t word = random_();
        std::memcpy(key.block.data() + at, &word, sizeof word);
      }
      entries.Add(key, {1, static_cast<uint32_t>(i), 1 << 20, {}, {}});
      fresh.push_back(key);
    }
    std::vector<BlockKey> victims;
    for (size_t i = 0; i < kBatch && live.size() >= kLive / kPartitions; ++i) {
      std::swap(live[random_() % live.size()], live.back());
      victims.push_back(live.back());
      live.pop_back();
    }
    const int64_t began_ns = Clock::Real().NowNanos();
    bool accepted = victims.empty() || indexes_[partition]->Erase(victims, {}).ok();
    do {
      accepted &= indexes_[partition]->Put(entries).ok();
    } while (!accepted && std::exchange(accepted, until_accepted));
    latencies_ns_.push_back(Clock::Real().NowNanos() - began_ns);
    refused_ += accepted ? 0 : 1;
    live.insert(live.end(), fresh.begin(), fresh.end());
  }

  void Run(const char* name, double entries_per_s, double seconds) {
    latencies_ns_.clear();
    refused_ = 0;
    const int64_t began_ns = Clock::Real().NowNanos();
    size_t batches = 0;
    double elapsed_s = 0;
    while ((elapsed_s = Since(began_ns)) < seconds) {
      // Turns here until the next batch is due: nothing may sleep through a stall.
      if (static_cast<double>(batches * kBatch) > elapsed_s * entries_per_s) continue;
      Commit(/*until_accepted=*/false);
      ++batches;
    }
    std::sort(latencies_ns_.begin(), latencies_ns_.end());
    const auto at = [&](double q) {
      const auto i = static_cast<size_t>(q * static_cast<double>(latencies_ns_.size() - 1));
      return static_cast<double>(latencies_ns_[i]) / 1e3;
    };
    std::printf(
        "%-10s %12.0f entries/s  batch of %zu, us: p50 %.0f  p99 %.0f  p99.9 %.0f  worst "
        "%.0f  refused %zu of %zu\n",
        name, static_cast<double>(batches * kBatch) / elapsed_s, kBatch, at(.5), at(.99), at(.999),
        at(1), refused_, batches);
    std::fflush(stdout);
  }

 private:
  static double Since(int64_t began_ns) {
    return static_cast<double>(Clock::Real().NowNanos() - began_ns) / 1e9;
  }

  const RocksShared shared_;
  std::vector<std::shared_ptr<SsdIndex>> indexes_;
  std::vector<std::vector<BlockKey>> live_;
  std::vector<int64_t> latencies_ns_;
  size_t refused_ = 0;
  int turn_ = 0;
  std::mt19937_64 random_{1};
};

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [ENTRIES_PER_S [SECONDS]]\n", argv[0]);
    return 2;
  }
  halflife::ConfigureLog({.minimum = halflife::Severity::kWarning});
  const double rate = argc > 2 ? std::atof(argv[2]) : 100'000;
  const double seconds = argc > 3 ? std::atof(argv[3]) : 20;
  halflife::Bench bench(argv[1]);
  bench.Fill();
  bench.Run("flat out", 1e12, seconds / 2);
  bench.Run("paced", rate, seconds);
  return 0;
}
