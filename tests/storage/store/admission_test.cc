// What is remembered and counted when a block is not written to SSD.

#include "gtest/gtest.h"
#include "storage/residency/ssd_migrator.h"
#include "tests/fakes/fake_ssd_tier.h"
#include "tests/fakes/idle_policy.h"
#include "tests/fakes/manual_clock.h"

namespace halflife {
namespace {

constexpr uint64_t kBytes = 4096;

// Holds everything or nothing for worth a write.
class FixedPolicy final : public IdlePolicy {
 public:
  explicit FixedPolicy(bool admits) : admits_(admits) {}
  bool AdmitToSsd(const BlockFacts&, bool, int64_t) override { return admits_; }

 private:
  const bool admits_;
};

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest()
      : arena_(*DramArena::Create({.budget_bytes = 1 << 20, .huge_pages = false})),
        ssd_(arena_.get()) {
    BlockHeader header;
    header.identity.hash.bytes = Sha256Of("a block");
    header.payload_bytes = kBytes;
    NewBlock block;
    block.address.identity = header.identity;
    block.address.key.block.fill(7);
    block.category = 3;
    key_ = block.address.key;
    index_.InsertIfAbsent(block, (*arena_->Allocate(kBytes)).Seal(header));
  }

  size_t WriteUnder(ResidencyPolicy* policy) {
    SsdAdmission admission({}, policy);
    SsdMigrator migrator(
        {&index_, arena_.get(), &ssd_, &clock_, &removals_, &counters_, policy, &admission});
    const IndexedBlock block = *index_.Describe(key_);
    return migrator.Write({&block, 1});
  }
  uint64_t Refused(AdmissionRefusal refusal) const {
    return counters_.categories[3].admission_refused_blocks[static_cast<int>(refusal)].load();
  }

  ManualClock clock_;
  std::unique_ptr<DramArena> arena_;
  FakeSsdTier ssd_;
  BlockIndex index_;
  RemovalMemory removals_;
  StoreCounters counters_;
  BlockKey key_;
};

TEST_F(AdmissionTest, ABlockThatThePolicyHoldsForColdIsNotAdmitted) {
  FixedPolicy policy(/*admits=*/false);

  EXPECT_EQ(WriteUnder(&policy), 0u);

  EXPECT_EQ(Refused(AdmissionRefusal::kCold), 1u);
  EXPECT_EQ(removals_.ReasonOf(key_), MissReason::kNotAdmitted);
  EXPECT_FALSE(index_.Describe(key_)->ssd.has_value());
}

TEST_F(AdmissionTest, ATierWithoutRoomIsTheQuotaAndOneThatTakesNothingIsUnavailable) {
  FixedPolicy policy(/*admits=*/true);
  ssd_.SetQuota(0);
  EXPECT_EQ(WriteUnder(&policy), 0u);
  EXPECT_EQ(Refused(AdmissionRefusal::kQuota), 1u);
  EXPECT_EQ(removals_.ReasonOf(key_), MissReason::kOverQuota);

  ssd_.FailWritesWith(absl::UnavailableError("read-only"));
  EXPECT_EQ(WriteUnder(&policy), 0u);
  EXPECT_EQ(Refused(AdmissionRefusal::kUnavailable), 1u);
  EXPECT_EQ(removals_.ReasonOf(key_), MissReason::kUnavailable);
}

TEST_F(AdmissionTest, AnAdmittedBlockIsWrittenAndNothingIsCounted) {
  FixedPolicy policy(/*admits=*/true);

  EXPECT_EQ(WriteUnder(&policy), 1u);

  for (const auto refusal :
       {AdmissionRefusal::kCold, AdmissionRefusal::kQuota, AdmissionRefusal::kUnavailable}) {
    EXPECT_EQ(Refused(refusal), 0u);
  }
  EXPECT_EQ(removals_.ReasonOf(key_), MissReason::kNeverSeen);
}

}  // namespace
}  // namespace halflife
