// Puts into a full DRAM: what is worth less than all that is here is refused instead of pushing it
// out.

#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

constexpr int kHotChains = 10;
constexpr int kHotBlocks = 6;
constexpr int kLearningMinutes = 12;

class PutAdmissionTest : public StoreTest {
 protected:
  void Start(const std::string& policy, bool with_ssd = false) {
    Setup setup;
    setup.dram_blocks = 64;
    setup.with_ssd = with_ssd;
    setup.options.policy = policy;
    setup.options.free_target_ratio = 0;
    Open(setup);
  }

  // A request as callers make them: it looks its chain up, reads what is here and puts the rest, as
  // long as it is taken. Returns the answer to the last block that was offered.
  absl::Status Serve(const std::vector<BlockHash>& chain, const RequestAttributes& attributes) {
    const uint32_t here = store_->Lookup(Slice(chain), {}, attributes).prefix_blocks;
    if (here > 0) store_->Touch(Slice(chain), here, {}, attributes);
    for (size_t i = here; i < chain.size(); ++i) {
      const absl::Status refusal = PutOne(chain, i, attributes);
      if (!refusal.ok()) return refusal;
    }
    store_->Quiesce();
    return absl::OkStatus();
  }

  absl::Status PutOne(const std::vector<BlockHash>& chain, size_t i,
                      const RequestAttributes& attributes) {
    std::optional<absl::StatusOr<BlockBuffer>> buffer;
    store_->AllocateForPut(ns_, Address(chain[i]),
                           [&](auto answer) { buffer = std::move(answer); });
    if (!buffer.has_value()) store_->Quiesce();
    if (!buffer.has_value()) return absl::DeadlineExceededError("still waiting");
    if (!buffer->ok()) return buffer->status();
    BlockStore::PutBlock block;
    block.address = Address(chain[i]);
    if (i > 0) block.parent = Address(chain[i - 1]).key;
    block.depth = static_cast<uint32_t>(i);
    block.buffer = *std::move(*buffer);
    block.checksum = PayloadChecksum(block.address.identity, block.buffer.bytes());
    return store_->Commit(ns_, std::move(block), attributes) == PutOutcome::kStored
               ? absl::OkStatus()
               : absl::InternalError("not stored");
  }

  static std::vector<BlockHash> Hot(int i) { return Chain(absl::StrCat("hot", i), kHotBlocks); }

  // Ten conversations that come back every other second, and two agents a second that nobody comes
  // back to. Returns what was said to the last agent's last block.
  absl::Status Learn(int minutes) {
    absl::Status last;
    for (int second = 0; second < 60 * minutes; ++second) {
      for (int i = second % 2; i < kHotChains; i += 2) Serve(Hot(i), kChat).IgnoreError();
      for (int i = 0; i < 2; ++i) {
        last = Serve(Chain(absl::StrCat("agent", second, "-", i), kHotBlocks), kAgent);
      }
      clock_.Advance(absl::Seconds(1));
    }
    return last;
  }
};

TEST_F(PutAdmissionTest, WhatIsWorthLessThanAllThatIsHereIsRefusedAndPushesNothingOut) {
  Start("model");

  const absl::Status last = Learn(kLearningMinutes);

  EXPECT_TRUE(absl::IsFailedPrecondition(last)) << last;
  for (int i = 0; i < kHotChains; ++i) EXPECT_EQ(Prefix(Hot(i)), uint32_t{kHotBlocks});
  const auto refused = Chain("refused", kHotBlocks);
  ASSERT_TRUE(absl::IsFailedPrecondition(Serve(refused, kAgent)));
  bool says_so = false;
  for (const BlockExplanation& block : store_->Explain(ns_, refused, 0, 0)) {
    says_so |= !block.is_here() && block.reason == MissReason::kNotAdmitted;
  }
  EXPECT_TRUE(says_so);
}

TEST_F(PutAdmissionTest, AConversationThatComesBackIsTaken) {
  Start("model");
  Learn(kLearningMinutes).IgnoreError();
  store_->DeleteChain(Slice(Hot(4)), {});  // which is due now
  store_->Quiesce();
  for (int i = 0; i < 2; ++i) {
    Serve(Chain(absl::StrCat("filling up", i), kHotBlocks), kAgent).IgnoreError();
  }

  EXPECT_TRUE(Serve(Hot(4), kChat).ok());

  EXPECT_EQ(Prefix(Hot(4)), uint32_t{kHotBlocks});
}

TEST_F(PutAdmissionTest, NothingIsRefusedBeforeTheModelLeads) {
  Start("model");

  EXPECT_TRUE(Learn(/*minutes=*/0).ok());
  for (int i = 0; i < 40; ++i) {
    EXPECT_TRUE(Serve(Chain(absl::StrCat("cold", i), kHotBlocks), kAgent).ok()) << i;
  }
}

TEST_F(PutAdmissionTest, RecencyNeverRefuses) {
  Start("lru");

  EXPECT_TRUE(Learn(kLearningMinutes).ok());
}

TEST_F(PutAdmissionTest, WithAnSsdTierNothingIsRefused) {
  Start("model", /*with_ssd=*/true);

  EXPECT_TRUE(Learn(/*minutes=*/2).ok());

  const auto cold = Chain("cold", kHotBlocks);
  EXPECT_TRUE(Serve(cold, kAgent).ok());
  store_->Quiesce();
  EXPECT_EQ(Prefix(cold), uint32_t{kHotBlocks});
}

TEST_F(PutAdmissionTest, WhoPutsWithoutALookupIsNotJudged) {
  Start("model");
  Learn(kLearningMinutes).IgnoreError();

  EXPECT_TRUE(PutOne(Chain("no look-up", 1), 0, kAgent).ok());
}

}  // namespace
}  // namespace halflife
