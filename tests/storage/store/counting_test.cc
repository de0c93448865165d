// What the store says about itself: by model and category, and for what reason.

#include "gmock/gmock.h"
#include "storage/count_histogram.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using ::testing::ElementsAre;

constexpr int kCapacity = static_cast<int>(EvictReason::kCapacity);
constexpr int kStored = static_cast<int>(PutOutcome::kStored);

TEST(CountHistogram, BoundsArePowersOfTwoAndInclusive) {
  CountHistogram histogram;
  for (const uint64_t value : {0, 1, 2, 3, 4, 5, 8, 16, 17, 4096, 4097}) histogram.Record(value);

  const CountHistogram::Snapshot snapshot = histogram.snapshot();

  EXPECT_THAT(snapshot.counts, ElementsAre(1, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1));
  EXPECT_EQ(snapshot.sum, 0u + 1 + 2 + 3 + 4 + 5 + 8 + 16 + 17 + 4096 + 4097);
  EXPECT_EQ(CountHistogram::UpperBound(0), 0u);
  EXPECT_EQ(CountHistogram::UpperBound(5), 16u);
  EXPECT_EQ(CountHistogram::UpperBound(CountHistogram::kBounds - 1), 4096u);
}

class CountingTest : public StoreTest {
 protected:
  CategoryStats Chat() const {
    for (const CategoryStats& category : store_->stats().categories) {
      if (category.name == "chat/1") return category;
    }
    return {};
  }
  // A namespace whose hashes come from outside, as an engine's do.
  NamespaceRef OpenFor(const std::string& tenant, const std::string& dtype,
                       HashScheme scheme = HashScheme::kVllmSha256Cbor) {
    NamespaceDescriptor descriptor;
    descriptor.engine = "vllm";
    descriptor.model_name = "model";
    descriptor.tenant = tenant;
    descriptor.kv_dtype = dtype;
    descriptor.tokens_per_block = 16;
    descriptor.block_bytes = kTestBlockBytes;
    descriptor.hash_scheme = scheme;
    auto ns = store_->OpenNamespace(descriptor);
    EXPECT_TRUE(ns.ok()) << ns.status();
    return *ns;
  }
};

TEST_F(CountingTest, LookupsAndPutsAreCountedByModelAndInTokens) {
  const NamespaceRef other = OpenNamespace("other-model");
  const auto chain = Chain("a", 5);
  PutBlocks(chain, 0, 3);
  Lookup(chain);
  Lookup(chain, other);

  const std::vector<ModelStats> models = store_->stats().models;

  ASSERT_EQ(models.size(), 2u) << "only what was asked for";
  EXPECT_EQ(models[0].model_name, "model");
  EXPECT_EQ(models[0].category, "chat/1");
  EXPECT_EQ(models[0].requests.lookups_partial, 1u);
  EXPECT_EQ(models[0].requests.lookup_tokens_hit[0], 3u * 16);
  EXPECT_EQ(models[0].requests.lookup_tokens_missed, 2u * 16);
  EXPECT_EQ(models[0].requests.put_blocks[kStored], 3u);
  EXPECT_EQ(models[1].model_name, "other-model");
  EXPECT_EQ(models[1].requests.lookups_miss, 1u);
  EXPECT_EQ(models[1].requests.lookup_tokens_missed, 5u * 16);
  EXPECT_EQ(Chat().lookups(), 2u) << "the sum over the models";
  EXPECT_EQ(Chat().matched_blocks.sum, 3u);
  EXPECT_EQ(Chat().matched_blocks.counts[0], 1u);
}

TEST_F(CountingTest, NamespacesOfOneModelShareItsCounters) {
  const NamespaceRef coarse = OpenNamespace("model", 2 * kTestBlockBytes);
  Lookup(Chain("a", 1));
  Lookup(Chain("a", 1), coarse);

  ASSERT_EQ(store_->stats().models.size(), 1u);
  EXPECT_EQ(store_->stats().models[0].requests.lookups_miss, 2u);
}

TEST_F(CountingTest, ModelsBeyondTheLimitAreCountedTogether) {
  // "model" is open already; the last number is "other", whose name nobody can take.
  const NamespaceRef named_other = OpenNamespace("other");
  std::vector<NamespaceRef> namespaces = {named_other};
  for (uint32_t i = 1; i < kMaxModels + 2; ++i) {
    namespaces.push_back(OpenNamespace(absl::StrCat("model-", i)));
  }
  for (const NamespaceRef& ns : namespaces) Lookup(Chain("a", 1), ns);

  const std::vector<ModelStats> models = store_->stats().models;

  ASSERT_EQ(models.size(), kMaxModels - 1) << "\"model\" itself was not asked for";
  EXPECT_EQ(models.front().model_name, "model-1");
  EXPECT_EQ(models.back().model_name, "other");
  EXPECT_EQ(models.back().requests.lookups_miss, 4u);
}

TEST_F(CountingTest, EvictionsAreCountedByCategoryTierAndUse) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.with_ssd = false;
  Open(setup);
  const auto used = Chain("used", 2);
  PutChain(used);
  PutChain(Chain("unused", 3));
  Touch(used);
  store_->Quiesce();

  PutChain(Chain("others", 20), kAgent);
  store_->Quiesce();

  EXPECT_EQ(Chat().evicted_blocks[0][kCapacity], 5u);
  EXPECT_EQ(Chat().evicted_bytes[0][kCapacity], 5 * kTestBlockBytes);
  EXPECT_EQ(Chat().evicted_unused_blocks[0], 3u);
  EXPECT_THAT(Chat().reuses.counts[0], 3u);
  EXPECT_THAT(Chat().reuses.counts[1], 2u);
  uint64_t sum = 0;
  for (const CategoryStats& category : store_->stats().categories) {
    sum += category.evicted_blocks[0][kCapacity];
  }
  EXPECT_EQ(store_->stats().evicted_blocks[0][kCapacity], sum);
}

TEST_F(CountingTest, APutOfABlockThatWasGivenUpTellsForHowLongItWasMissed) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.with_ssd = false;
  Open(setup);
  const auto chain = Chain("a", 1);
  PutChain(chain);
  PutChain(Chain("others", 20), kAgent);
  store_->Quiesce();
  ASSERT_EQ(Prefix(chain), 0u);
  ASSERT_EQ(Chat().evict_reuse_gap_ms.count, 0u);

  clock_.Advance(absl::Seconds(90));
  PutChain(chain);

  EXPECT_EQ(Chat().evict_reuse_gap_ms.count, 1u);
  EXPECT_NEAR(Chat().evict_reuse_gap_ms.sum, 90000, 1000);
  store_->DeleteChain(Slice(chain), {});
  PutChain(chain);
  EXPECT_EQ(Chat().evict_reuse_gap_ms.count, 1u) << "deleted is not given up";
}

TEST_F(CountingTest, WhatTheSsdRefusesIsCountedByReason) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.ssd_blocks = 0;
  Open(setup);
  PutChain(Chain("a", 20));
  store_->Quiesce();
  const uint64_t quota =
      Chat().admission_refused_blocks[static_cast<int>(AdmissionRefusal::kQuota)];
  EXPECT_GE(quota, 12u);

  ssd_->FailWritesWith(absl::UnavailableError("read-only"));
  PutChain(Chain("b", 20));
  store_->Quiesce();

  EXPECT_GE(Chat().admission_refused_blocks[static_cast<int>(AdmissionRefusal::kUnavailable)], 12u);
}

// --- Why a block is missing

TEST_F(CountingTest, ABlockOverTheQuotaIsEvictedLikeAnyOtherOnceTheQuotaHasRoom) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.ssd_blocks = 0;
  Open(setup);
  const auto chain = Chain("a", 20);
  PutChain(chain);
  store_->Quiesce();
  const uint32_t lost = Prefix(chain);
  ASSERT_EQ(Lookup(chain).miss_reason, MissReason::kOverQuota);

  ssd_->SetQuota(20 * kTestBlockBytes);
  PutBlocks(chain, lost, lost + 1);
  ASSERT_GT(Prefix(chain), lost);
  for (int i = 0; i < 8; ++i) {
    PutChain(Chain(absl::StrCat("others", i), 20), kAgent);
    store_->Quiesce();
  }

  EXPECT_EQ(Lookup({chain[lost]}).miss_reason, MissReason::kEvicted);
}

TEST_F(CountingTest, AnotherDescriptorOfTheSameTenantIsTheWrongNamespace) {
  const NamespaceRef bf16 = OpenFor("tenant", "bf16");
  const NamespaceRef fp8 = OpenFor("tenant", "fp8");
  const auto chain = Chain("a", 3);
  PutChain(chain, kChat, bf16);

  EXPECT_EQ(Lookup(chain, fp8).miss_reason, MissReason::kWrongNamespace);
  EXPECT_EQ(Lookup(Chain("b", 3), fp8).miss_reason, MissReason::kNeverSeen);
  EXPECT_EQ(Lookup(chain, bf16).miss_reason, MissReason::kNone);

  store_->DeleteNamespace(bf16);
  EXPECT_EQ(Lookup(chain, fp8).miss_reason, MissReason::kNeverSeen);
}

TEST_F(CountingTest, WhatAnotherTenantHasIsNeverTold) {
  const NamespaceRef theirs = OpenFor("theirs", "bf16");
  const NamespaceRef ours = OpenFor("ours", "bf16");
  const auto chain = Chain("a", 3);
  PutChain(chain, kChat, theirs);

  EXPECT_EQ(Lookup(chain, ours).miss_reason, MissReason::kNeverSeen);
}

TEST_F(CountingTest, OnlyTheLatestSiblingsAreAsked) {
  const NamespaceRef first = OpenFor("tenant", "first");
  const auto chain = Chain("a", 1);
  PutChain(chain, kChat, first);
  NamespaceRef last;
  for (int i = 0; i < 8; ++i) last = OpenFor("tenant", absl::StrCat("dtype-", i));

  EXPECT_EQ(Lookup(chain, last).miss_reason, MissReason::kWrongNamespace) << "the eighth before";
  last = OpenFor("tenant", "one more");
  EXPECT_EQ(Lookup(chain, last).miss_reason, MissReason::kNeverSeen);
}

// --- Size of blocks

TEST_F(CountingTest, BlocksAboveTheSettingAreRefusedWithLimitAndRemedy) {
  Setup setup;
  setup.options.max_block_bytes = kTestBlockBytes;
  Open(setup);
  NamespaceDescriptor descriptor = ns_->descriptor;
  for (const int64_t delta : {-1, 0, 1}) {
    descriptor.block_bytes = kTestBlockBytes + static_cast<uint64_t>(delta);

    const absl::Status opened = store_->OpenNamespace(descriptor).status();

    EXPECT_EQ(opened.ok(), delta <= 0) << opened;
    if (delta <= 0) continue;
    EXPECT_TRUE(absl::IsInvalidArgument(opened));
    EXPECT_THAT(std::string(opened.message()),
                ::testing::AllOf(::testing::HasSubstr("65537"), ::testing::HasSubstr("65536"),
                                 ::testing::HasSubstr("raise storage.max_block")));
  }
}

TEST_F(CountingTest, LargerBlocksFromBeforeAreServedAndNoMoreArePut) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  setup_.options.max_block_bytes = kTestBlockBytes / 2;
  store_->Drain(absl::Seconds(60));
  const NamespaceId id = ns_->id;
  OpenWithoutNamespace(setup_);
  ns_ = store_->FindNamespace(id);
  ASSERT_NE(ns_, nullptr);

  ExpectReadable(chain[1]);
  EXPECT_TRUE(absl::IsInvalidArgument(Allocate(Chain("b", 1)[0]).status()));
}

TEST_F(CountingTest, MorePartsThanTheBackgroundCanHearOfAreLookedUpAndDeleted) {
  const NamespaceRef ns = OpenNamespace("wide", 4096, 64);
  const PartRange all{.first = 0, .count = 64};
  const auto chain = Chain("a", 8192);
  PutBlocks(chain, 0, 2, kChat, ns, all);

  EXPECT_EQ(Lookup(chain, ns, all).prefix_blocks, 2u);
  EXPECT_EQ(store_->stats().touch_events_dropped, 1u);
  EXPECT_EQ(store_->DeleteChain(Slice(chain, ns), all), 128u);
  EXPECT_EQ(Lookup(chain, ns, all).prefix_blocks, 0u);
}

}  // namespace
}  // namespace halflife
