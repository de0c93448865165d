// Budgets hold: memory under stopped readers, disk under overwriting, and every byte accounted for
// at the end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "common/clock.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/raw_rpc.h"
#include "tests/e2e/sanitized.h"
#include "tests/e2e/scratch_directory.h"
#include "tests/e2e/stopped_readers.h"
#include "tests/e2e/tracked_client.h"

namespace halflife::e2e {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kDramBytes = 256 * kMiB;
// What the process may take beside the DRAM budget. docs/operations.md promises it.
constexpr uint64_t kOverheadBytes = (kSanitized ? 1024 : 192) * kMiB;
constexpr int kStoppedReaders = 64;

client::Options PatientOptions(const Daemon& daemon) {
  client::Options options;
  options.endpoint = daemon.endpoint();
  options.lookup_budget = options.get_budget = options.put_budget = std::chrono::seconds(5);
  return options;
}

void ExpectConserved(Daemon& daemon) {
  const auto channel = Connect(daemon.endpoint());
  std::string difference = "not asked";
  for (int attempt = 0; attempt < 100 && !difference.empty(); ++attempt) {
    difference = ConservationDifference(channel);
    if (!difference.empty()) daemon.EndsWithin(absl::Milliseconds(100));
  }
  EXPECT_EQ(difference, "");
}

// Calls `look` every few milliseconds on a thread of its own.
class Sampler {
 public:
  explicit Sampler(std::function<uint64_t()> look)
      : thread_([this, look = std::move(look)] {
          while (!stopping_.load()) {
            const uint64_t seen = look();
            most_ = std::max(most_.load(), seen);
            ++samples_;
          }
        }) {}
  ~Sampler() { Stop(); }

  uint64_t Stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return most_;
  }
  int samples() const { return samples_; }

 private:
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> most_{0};
  std::atomic<int> samples_{0};
  std::thread thread_;
};

// One healthy worker: what it asked for and how it was answered.
struct Answers {
  int asked = 0, ok = 0;
  std::vector<double> ms;

  double Quantile(double q) {
    std::sort(ms.begin(), ms.end());
    return ms.empty() ? 0 : ms[static_cast<size_t>(q * static_cast<double>(ms.size() - 1))];
  }
};

class BudgetTest : public testing::Test {
 protected:
  ScratchDirectory scratch_{"budget"};
  ValueTracker tracker_;
};

v1::GetRequest WholeChain(const Population& population, const client::Hash& ns, uint32_t chain) {
  v1::GetRequest request;
  request.set_namespace_id(std::string(ns.begin(), ns.end()));
  const client::Hash* const hashes = population.ChainOf(0, chain);
  for (uint32_t i = 0; i < population.family(0).depth; ++i) {
    request.mutable_chain()->mutable_hashes()->append(hashes[i].begin(), hashes[i].end());
  }
  return request;
}

TEST_F(BudgetTest, StoppedReadersNeitherTakeMemoryNorStarveAnybody) {
  Daemon daemon(
      {.directory = scratch_.path(), .dram_bytes = kDramBytes, .ssd_quota_bytes = 512 * kMiB});
  ASSERT_TRUE(daemon.Start().ok()) << daemon.LogTail();
  const Population population({
      {.name = "large", .block_bytes = kMiB, .chains = 24, .depth = 16},
      {.name = "small", .block_bytes = 16 << 10, .chains = 64, .depth = 32},
  });
  const auto client = client::Client::Open(PatientOptions(daemon));
  TrackedClient blocks(client.get(), &tracker_, &population);
  for (uint32_t chain = 0; chain < 8; ++chain) blocks.Put(population.WholeChain(0, chain));
  std::atomic<Daemon*> watched{&daemon};
  Sampler memory([&] {
    watched.load()->EndsWithin(absl::Milliseconds(10));
    return watched.load()->ResidentBytes();
  });
  auto readers = std::make_unique<StoppedReaders>(daemon.endpoint(), kStoppedReaders);
  const auto ns = client->OpenNamespace(population.DescriptorOf(0));

  Answers answers;
  uint32_t wrong = 0;
  for (int round = 0; round < 2; ++round) {
    readers->Ask(WholeChain(population, ns.id(), round));
    const absl::Duration end = Clock::Real().Now() + absl::Seconds(4);
    for (uint32_t turn = 0; Clock::Real().Now() < end; ++turn) {
      const uint32_t family = turn % 4 == 0 ? 0 : 1;
      Stretch chain = population.WholeChain(family, turn % population.family(family).chains);
      if (family == 0) chain.count = 4;
      const absl::Duration began = Clock::Real().Now();
      const auto read = blocks.Get(chain);
      ++answers.asked;
      answers.ok += read.outcome == client::Outcome::kOk;
      answers.ms.push_back(absl::ToDoubleMilliseconds(Clock::Real().Now() - began));
      wrong += read.wrong;
      if (read.right < chain.count) blocks.Put(chain);
    }
  }

  const uint64_t most = memory.Stop();
  std::printf(
      "%d stopped readers: RSS at most %.0f MiB = budget + %.0f MiB; healthy client: %d of %d "
      "answered, p50 %.1f ms, p99 %.1f ms\n",
      kStoppedReaders, static_cast<double>(most) / kMiB,
      (static_cast<double>(most) - kDramBytes) / kMiB, answers.ok, answers.asked,
      answers.Quantile(0.5), answers.Quantile(0.99));
  EXPECT_LE(most, kDramBytes + kOverheadBytes);
  EXPECT_EQ(wrong, 0u) << tracker_.last_complaint();
  EXPECT_GE(answers.ok, answers.asked * 95 / 100);
  EXPECT_GT(answers.asked, 100);
  readers.reset();
  client->Drain();
  ExpectConserved(daemon);
}

TEST_F(BudgetTest, MemoryStaysWithinTheBudgetWhileBlockSizesChange) {
  Daemon daemon(
      {.directory = scratch_.path(), .dram_bytes = 128 * kMiB, .ssd_quota_bytes = 512 * kMiB});
  ASSERT_TRUE(daemon.Start().ok()) << daemon.LogTail();
  const Population population({
      {.name = "4KiB", .block_bytes = 4 << 10, .chains = 400, .depth = 128},
      {.name = "100KiB", .block_bytes = 100 << 10, .chains = 64, .depth = 32},
      {.name = "1MiB", .block_bytes = kMiB, .chains = 16, .depth = 16},
      {.name = "8MiB", .block_bytes = 8 * kMiB, .chains = 16, .depth = 2},
  });
  std::atomic<Daemon*> watched{&daemon};
  Sampler memory([&] {
    watched.load()->EndsWithin(absl::Milliseconds(10));
    return watched.load()->ResidentBytes();
  });
  const auto client = client::Client::Open(PatientOptions(daemon));
  TrackedClient blocks(client.get(), &tracker_, &population);
  uint64_t stored = 0, refused = 0, wrong = 0;
  for (uint32_t family = 0; family < population.families().size(); ++family) {
    for (uint32_t chain = 0; chain < population.family(family).chains; ++chain) {
      const auto put = blocks.Put(population.WholeChain(family, chain));
      stored += put.stored;
      refused += put.refused;
      wrong += blocks.Get(population.WholeChain(family, chain / 2)).wrong;
    }
  }

  const uint64_t most = memory.Stop();
  std::printf(
      "four block sizes in turn: RSS at most budget + %.0f MiB; stored %llu, refused %llu\n",
      (static_cast<double>(most) - 128.0 * kMiB) / kMiB, static_cast<unsigned long long>(stored),
      static_cast<unsigned long long>(refused));
  EXPECT_LE(most, 128 * kMiB + kOverheadBytes);
  EXPECT_EQ(wrong, 0u) << tracker_.last_complaint();
  EXPECT_GT(stored, refused);
  client->Drain();
  ExpectConserved(daemon);
}

TEST_F(BudgetTest, TheSsdStaysWithinItsQuotaThroughThreefoldOverwrite) {
  constexpr uint64_t kQuota = 256 * kMiB;
  Daemon daemon({.directory = scratch_.path(), .dram_bytes = 64 * kMiB, .ssd_quota_bytes = kQuota});
  ASSERT_TRUE(daemon.Start().ok()) << daemon.LogTail();
  // 3.4 times the quota, most of it in slot files and some inside the database.
  const Population population({
      {.name = "256KiB", .block_bytes = 256 << 10, .chains = 96, .depth = 16},
      {.name = "1MiB", .block_bytes = kMiB, .chains = 24, .depth = 16},
      {.name = "4KiB", .block_bytes = 4 << 10, .chains = 256, .depth = 128},
  });
  const std::string directory = daemon.ssd_directory();
  Sampler disk([&] { return DiskBytes(directory); });
  const auto client = client::Client::Open(PatientOptions(daemon));
  TrackedClient blocks(client.get(), &tracker_, &population);
  uint64_t stored_bytes = 0, wrong = 0;
  for (uint32_t turn = 0; turn < 256; ++turn) {
    for (uint32_t family = 0; family < population.families().size(); ++family) {
      if (turn >= population.family(family).chains) continue;
      const Stretch chain = population.WholeChain(family, turn);
      for (int attempt = 0; attempt < 200; ++attempt) {
        const auto put = blocks.Put(chain);
        stored_bytes += put.stored * population.family(family).block_bytes;
        if (put.outcome == client::Outcome::kOk && put.refused == 0) break;
        ASSERT_FALSE(daemon.EndsWithin(absl::Milliseconds(5))) << daemon.LogTail();
      }
      wrong += blocks.Get(population.WholeChain(family, turn / 2)).wrong;
    }
  }
  client->Drain();
  ExpectConserved(daemon);

  const uint64_t most = disk.Stop();
  std::printf("stored %.0f MiB under a quota of 256 MiB: at most %.1f MiB on disk in %d looks\n",
              static_cast<double>(stored_bytes) / kMiB, static_cast<double>(most) / kMiB,
              disk.samples());
  EXPECT_LE(most, kQuota);
  // Nor is the quota kept by not using it.
  EXPECT_GE(most, kQuota / 2);
  EXPECT_GE(stored_bytes, 3 * kQuota);
  EXPECT_GT(disk.samples(), 100);
  EXPECT_EQ(wrong, 0u) << tracker_.last_complaint();
}

}  // namespace
}  // namespace halflife::e2e
