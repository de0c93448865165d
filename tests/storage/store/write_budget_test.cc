// A store under a write budget: what it may write to SSD, and what a restart changes.

#include "gtest/gtest.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

constexpr uint64_t kBlocksPerMinute = 400;
constexpr uint64_t kBytesPerMinute = kBlocksPerMinute * kTestBlockBytes;
constexpr size_t kChainBlocks = 2;
constexpr int kChainsPerMinute = 300;

class WriteBudgetStoreTest : public StoreTest {
 protected:
  Setup Limited(const std::string& policy) const {
    Setup setup;
    setup.dram_blocks = 64;
    setup.options.policy = policy;
    setup.options.write_budget_bytes_per_day = kBytesPerMinute * 24 * 60;
    return setup;
  }

  // Puts a new chain every 200 ms: 600 blocks. Returns the bytes that went to SSD.
  uint64_t WriteForAMinute() {
    const uint64_t before = ssd_->stats().written_bytes;
    for (int i = 0; i < kChainsPerMinute; ++i) {
      PutChain(Chain(absl::StrCat("chain", next_chain_++), kChainBlocks));
      store_->Quiesce();
      clock_.Advance(absl::Milliseconds(60000 / kChainsPerMinute - static_cast<int>(kChainBlocks)));
    }
    return ssd_->stats().written_bytes - before;
  }
  uint64_t RefusedByBudget() const { return store_->stats().admission.refused_blocks; }
  // Blocks of the chains so far that are on SSD without their parent there.
  int Holes() const {
    int holes = 0;
    for (int i = 0; i < next_chain_; ++i) {
      const auto chain = Chain(absl::StrCat("chain", i), kChainBlocks);
      for (size_t j = 1; j < chain.size(); ++j) {
        holes += ssd_->Holds(Address(chain[j]).key) && !ssd_->Holds(Address(chain[j - 1]).key);
      }
    }
    return holes;
  }

  int next_chain_ = 0;
};

TEST_F(WriteBudgetStoreTest, NoMinuteWritesMoreAndEveryMinuteWritesNearlyAsMuch) {
  for (const char* policy : {"lru", "model"}) {
    SCOPED_TRACE(policy);
    next_chain_ = 0;
    Open(Limited(policy));
    WriteForAMinute();  // begins with nothing, and fills DRAM

    for (int minute = 1; minute <= 4; ++minute) {
      const uint64_t written = WriteForAMinute();

      EXPECT_LE(written, kBytesPerMinute) << minute;
      EXPECT_GE(written, kBytesPerMinute * 98 / 100) << minute;
    }
    EXPECT_GT(RefusedByBudget(), 500u);
    EXPECT_EQ(Holes(), 0);
    const AdmissionStats admission = store_->stats().admission;
    EXPECT_EQ(admission.budget_bytes_per_day, kBytesPerMinute * 24 * 60);
    EXPECT_NEAR(admission.budget_used_ratio, 1, 0.05);
    const auto written = static_cast<double>(ssd_->stats().written_bytes);
    EXPECT_NEAR(static_cast<double>(admission.minute_bytes), kBytesPerMinute, kBytesPerMinute / 20);
    EXPECT_NEAR(static_cast<double>(admission.available_bytes), 0, kBytesPerMinute / 20);
    // As of the last second, in which one minute's sixtieth was written.
    EXPECT_NEAR(static_cast<double>(admission.day_bytes), written, kBytesPerMinute / 20);
    EXPECT_EQ(admission.admitted_blocks, ssd_->stats().written_bytes / kTestBlockBytes);
  }
}

TEST_F(WriteBudgetStoreTest, WhileTheBudgetIsSlackEverythingIsWritten) {
  Setup setup = Limited("model");
  setup.options.write_budget_bytes_per_day *= 10;
  Open(setup);
  WriteForAMinute();

  WriteForAMinute();

  EXPECT_EQ(RefusedByBudget(), 0u);
  EXPECT_EQ(store_->stats().admission.score_threshold, 0);
  EXPECT_EQ(Prefix(Chain("chain0", kChainBlocks)), kChainBlocks);
}

TEST_F(WriteBudgetStoreTest, ARestartEarnsNothing) {
  Open(Limited("lru"));
  WriteForAMinute();
  WriteForAMinute();
  const uint64_t before = ssd_->stats().written_bytes;

  uint64_t drained = 0;
  for (int restart = 0; restart < 5; ++restart) {
    Restart(/*drain=*/true);
    PutChain(Chain(absl::StrCat("restart", restart), 60));
    store_->Quiesce();
    drained += ssd_->stats().written_bytes;
  }

  EXPECT_GT(before, 0u);
  EXPECT_LE(drained, kBytesPerMinute / 50);
}

TEST_F(WriteBudgetStoreTest, ABlockThatTheBudgetRefusedSaysThatItWasNotAdmitted) {
  Open(Limited("lru"));
  for (int i = 0; i < 50; ++i) {
    PutChain(Chain(absl::StrCat("chain", i), kChainBlocks));
    store_->Quiesce();
  }

  const LookupResult missed = Lookup(Chain("chain0", kChainBlocks));

  EXPECT_EQ(missed.prefix_blocks, 0u);
  EXPECT_EQ(missed.miss_reason, MissReason::kNotAdmitted);
}

}  // namespace
}  // namespace halflife
