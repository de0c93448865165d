// Properties that every policy over TrackedChains keeps under random operations.

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "storage/residency/policy_factory.h"
#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

using Kind = ResidencyPolicyOptions::Kind;

// What is where, beside the policy, and what must then hold of its answers.
class TwoTierModel {
 public:
  TwoTierModel(Kind kind, uint64_t seed)
      : policy_(MakeResidencyPolicy({.kind = kind})), random_(seed) {}

  void Step() {
    now_ns_ += static_cast<int64_t>(random_() % kSecondNs);
    switch (random_() % 6) {
      case 0:
      case 1:
        return Request();
      case 2:
        return EvictSome(Tier::kDram);
      case 3:
        return EvictSome(Tier::kSsd);
      case 4:
        return Demote();
      default:
        return random_() % 2 == 0 ? DeleteOne() : policy_->ClearSkips();
    }
  }

  // Everything can be given up, tails first, and nothing is left then.
  void DrainAll() {
    policy_->ClearSkips();
    for (const Tier tier : {Tier::kDram, Tier::kSsd}) {
      while (!In(tier).empty() && !::testing::Test::HasFailure()) Evict(tier);
      EXPECT_EQ(policy_->NextVictim(tier, now_ns_), std::nullopt);
    }
  }

 private:
  static constexpr uint64_t kFanOut = 3;
  static constexpr uint32_t kMaxDepth = 5;

  std::set<uint64_t>& In(Tier tier) { return in_[static_cast<int>(tier)]; }
  static uint64_t ParentOf(uint64_t block) { return (block - 1) / kFanOut; }  // of block > 0
  static uint32_t DepthOf(uint64_t block) { return block == 0 ? 0 : 1 + DepthOf(ParentOf(block)); }
  BlockFacts FactsOf(uint64_t block) const {
    BlockFacts facts;
    facts.key = KeyOfNumber(block);
    if (block > 0) facts.parent = KeyOfNumber(ParentOf(block));
    facts.depth = DepthOf(block);
    facts.last_touch_ns = now_ns_;
    return facts;
  }
  bool HasChildIn(Tier tier, uint64_t block) {
    for (uint64_t child = block * kFanOut + 1; child <= block * kFanOut + kFanOut; ++child) {
      if (In(tier).contains(child)) return true;
    }
    return false;
  }

  void Insert(Tier tier, uint64_t block) {
    if (In(tier).insert(block).second) policy_->OnInsert(tier, FactsOf(block));
  }
  void Remove(Tier tier, uint64_t block) {
    policy_->OnRemove(tier, KeyOfNumber(block));
    In(tier).erase(block);
  }

  void Request() {
    std::vector<uint64_t> blocks = {0};
    const uint32_t length = 1 + random_() % kMaxDepth;
    while (blocks.size() < length) {
      blocks.push_back(blocks.back() * kFanOut + 1 + random_() % kFanOut);
    }
    std::vector<BlockKey> keys;
    for (const uint64_t block : blocks) keys.push_back(KeyOfNumber(block));
    policy_->OnTouch(
        {.now_ns = now_ns_, .category = static_cast<Category>(random_() % 3), .keys = keys});
    for (const uint64_t block : blocks) Insert(Tier::kDram, block);
  }

  void Evict(Tier tier) {
    const std::optional<BlockKey> victim = policy_->NextVictim(tier, now_ns_);
    ASSERT_TRUE(victim.has_value());
    const uint64_t block = NumberOf(*victim);
    ASSERT_TRUE(In(tier).contains(block)) << block;
    EXPECT_FALSE(HasChildIn(tier, block)) << block;
    if (tier == Tier::kSsd && !In(Tier::kDram).contains(block)) {
      EXPECT_FALSE(HasChildIn(Tier::kDram, block)) << block;
    }
    Remove(tier, block);
  }

  void EvictSome(Tier tier) {
    for (uint64_t left = random_() % 8; left > 0; --left) {
      const std::optional<BlockKey> victim = policy_->NextVictim(tier, now_ns_);
      if (!victim) return;  // what is left is skipped or carries what is
      if (random_() % 8 == 0) {
        policy_->Skip(tier, *victim);
      } else {
        Evict(tier);
      }
    }
  }

  void Demote() {
    const std::optional<BlockKey> victim = policy_->NextVictim(Tier::kDram, now_ns_);
    if (!victim) return;
    const uint64_t block = NumberOf(*victim);
    Remove(Tier::kDram, block);
    if (policy_->AdmitToSsd(FactsOf(block), /*has_room=*/false, now_ns_)) Insert(Tier::kSsd, block);
  }

  // A delete takes what it is told, children or not.
  void DeleteOne() {
    const uint64_t block = random_() % 120;
    Remove(Tier::kDram, block);
    Remove(Tier::kSsd, block);
  }

  static uint64_t NumberOf(const BlockKey& key) {
    uint64_t number;
    std::memcpy(&number, key.block.data() + sizeof number, sizeof number);
    return number;
  }

  const std::unique_ptr<ResidencyPolicy> policy_;
  std::mt19937_64 random_;
  int64_t now_ns_ = kSecondNs;
  std::array<std::set<uint64_t>, kTierCount> in_;
};

class ChainInvariants : public ::testing::TestWithParam<Kind> {};

TEST_P(ChainInvariants, NoBlockGoesBeforeItsChildrenAndAllCanGo) {
  for (uint64_t seed = 1; seed <= 8 && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    TwoTierModel model(GetParam(), seed);
    for (int i = 0; i < 4000 && !HasFailure(); ++i) model.Step();
    model.DrainAll();
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, ChainInvariants, ::testing::Values(Kind::kModel, Kind::kWa),
                         [](const auto& info) {
                           return info.param == Kind::kModel ? "Model" : "Wa";
                         });

// More than a record has room for (TrackedBlock::children).
TEST(ChainInvariants, AHeadThatManyShareGoesAfterTheLastOfThem) {
  const std::unique_ptr<ResidencyPolicy> policy = MakeResidencyPolicy({.kind = Kind::kModel});
  constexpr uint64_t kChildren = 600;
  const auto children = [&policy] {
    return policy->StandingOf(KeyOfNumber(0), kSecondNs)->children[static_cast<int>(Tier::kDram)];
  };
  BlockFacts head;
  head.key = KeyOfNumber(0);
  head.last_touch_ns = kSecondNs;
  policy->OnInsert(Tier::kDram, head);
  for (uint64_t child = 1; child <= kChildren; ++child) {
    BlockFacts facts = head;
    facts.key = KeyOfNumber(child);
    facts.parent = head.key;
    facts.depth = 1;
    policy->OnInsert(Tier::kDram, facts);
    ASSERT_EQ(children(), child);
  }

  for (uint64_t left = kChildren; left > 0; --left) {
    ASSERT_EQ(children(), left);
    const std::optional<BlockKey> victim = policy->NextVictim(Tier::kDram, kSecondNs);
    ASSERT_TRUE(victim.has_value());
    ASSERT_NE(*victim, head.key) << left;
    policy->OnRemove(Tier::kDram, *victim);
  }

  EXPECT_EQ(children(), 0u);
  EXPECT_EQ(policy->NextVictim(Tier::kDram, kSecondNs), head.key);
}

TEST(PolicyFactory, NamesWhatIsKnown) {
  EXPECT_EQ(ParseResidencyPolicy("model", "time")->objective, RetentionObjective::kTime);
  EXPECT_EQ(ParseResidencyPolicy("wa", "hits")->kind, Kind::kWa);
  EXPECT_EQ(ParseResidencyPolicy("lru", "hits")->kind, Kind::kLru);
  EXPECT_EQ(ParseResidencyPolicy("clairvoyant", "hits").status().message(),
            "policy is \"clairvoyant\", known are \"model\", \"wa\" and \"lru\"");
  EXPECT_EQ(ParseResidencyPolicy("model", "joy").status().message(),
            "objective is \"joy\", known are \"hits\" and \"time\"");
}

}  // namespace
}  // namespace halflife
