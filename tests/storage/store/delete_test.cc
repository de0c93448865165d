#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"

#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using DeleteTest = StoreTest;

// A thread of this process, as long as one looks at it.
bool Sleeps(pid_t thread) {
  for (int look = 0; look < 500; ++look) {
    std::ifstream stat(absl::StrCat("/proc/self/task/", thread, "/stat"));
    std::string number, name, state;
    stat >> number >> name >> state;
    if (state != "S") return false;
    std::this_thread::yield();
  }
  return true;
}

TEST_F(DeleteTest, ADeletedChainIsGoneFromBothTiers) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto chain = Chain("a", 16);
  PutChain(chain);
  store_->Quiesce();
  ASSERT_GT(ssd_->stats().blocks, 0u);

  EXPECT_EQ(store_->DeleteChain(Slice(chain), {}), 16u);

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kExpired);
  EXPECT_EQ(ssd_->stats().blocks, 0u);
  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
  EXPECT_TRUE(absl::IsNotFound(ReadOne(chain[3]).status()));
}

TEST_F(DeleteTest, WhatIsNotThereIsNotCounted) {
  const auto chain = Chain("a", 4);
  PutBlocks(chain, 0, 2);

  EXPECT_EQ(store_->DeleteChain(Slice(chain), {}), 2u);
  EXPECT_EQ(store_->DeleteChain(Slice(chain), {}), 0u);
}

TEST_F(DeleteTest, TheTierHearsAlsoOfBlocksThatNobodyKnows) {
  const auto chain = Chain("a", 3);
  PutBlocks(chain, 0, 1);

  store_->DeleteChain(Slice(chain), {});

  const std::vector<BlockKey> forgotten = ssd_->forgotten();
  ASSERT_EQ(forgotten.size(), 3u);
  for (const BlockHash& hash : chain) {
    EXPECT_EQ(std::count(forgotten.begin(), forgotten.end(), Address(hash).key), 1);
  }
}

TEST_F(DeleteTest, EveryPartOfABlockIsCounted) {
  const NamespaceRef ns = OpenNamespace("parallel", kTestBlockBytes, 3);
  const auto chain = Chain("a", 2);
  PutBlocks(chain, 0, 2, kChat, ns, {0, 3});

  EXPECT_EQ(store_->DeleteChain(Slice(chain, ns), {0, 3}), 6u);
  EXPECT_EQ(Lookup(chain, ns, {2, 1}).prefix_blocks, 0u);
}

TEST_F(DeleteTest, ADeletedBlockCanBePutAgain) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  store_->DeleteChain(Slice(chain), {});

  PutChain(chain);

  EXPECT_EQ(Prefix(chain), 2u);
  ExpectReadable(chain[1]);
}

TEST_F(DeleteTest, ADeletedNamespaceLeavesTheOthersAlone) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const NamespaceRef other = OpenNamespace("other");
  const auto chain = Chain("a", 10);
  PutChain(chain);
  PutChain(chain, kChat, other);
  store_->Quiesce();

  EXPECT_EQ(store_->DeleteNamespace(other), 10u);

  EXPECT_EQ(store_->FindNamespace(other->id), nullptr);
  EXPECT_EQ(Prefix(chain), 10u);
  EXPECT_EQ(Lookup(chain, OpenNamespace("other")).prefix_blocks, 0u);
}

TEST_F(DeleteTest, ADeletedNamespaceStaysDeletedAfterARestart) {
  const NamespaceRef other = OpenNamespace("other");
  const auto chain = Chain("a", 4);
  PutChain(chain, kChat, other);
  store_->DeleteNamespace(other);

  Restart(/*drain=*/true);

  EXPECT_EQ(store_->FindNamespace(other->id), nullptr);
  EXPECT_EQ(ssd_->stats().blocks, 0u);
}

TEST_F(DeleteTest, APutUnderADeletedNamespaceIsNotAdmitted) {
  const NamespaceRef other = OpenNamespace("other");
  const auto chain = Chain("a", 1);
  BlockStore::PutBlock open = Prepare(chain, 0, 0, other);
  store_->DeleteNamespace(other);

  EXPECT_EQ(store_->Commit(other, std::move(open), kChat), PutOutcome::kRefusedNotAdmitted);
}

TEST_F(DeleteTest, ADeleteDuringADemotionLeavesNothingOnSsd) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto chain = Chain("a", 8);
  for (size_t i = 0; i < 7; ++i) {
    ASSERT_EQ(store_->Commit(ns_, Prepare(chain, i), kChat), PutOutcome::kStored);
  }
  ssd_->HoldWrites();
  std::thread drain([this] { store_->Drain(absl::Seconds(60)); });
  ssd_->WaitForHeldWrite();

  std::atomic<bool> released{false};
  bool waited = false;
  uint64_t deleted = 0;
  std::thread deleting([&] {
    deleted = store_->DeleteChain(Slice(chain), {});
    waited = released;
  });
  while (Prefix(chain) > 0) std::this_thread::yield();  // out of the index, the write still held
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  released = true;
  ssd_->ReleaseWrites();
  deleting.join();
  drain.join();

  EXPECT_EQ(deleted, 7u);
  EXPECT_TRUE(waited) << "a write that ends later, or after a crash, would bring blocks back";
  EXPECT_EQ(ssd_->stats().blocks, 0u);
}

// Blocks of the namespace are named in each batch, and under steady demotion one follows the other.
TEST_F(DeleteTest, ADeleteWaitsForOneBatchHoweverManyFollow) {
  constexpr uint32_t kChains = 10, kBlocks = 20;  // together more than two batches, mixed in each
  Setup setup;
  setup.dram_blocks = 1024;
  Open(setup);
  const NamespaceRef other = OpenNamespace("other");
  for (uint32_t i = 0; i < kChains; ++i) {
    PutChain(Chain(absl::StrCat("a", i), kBlocks));
    PutChain(Chain(absl::StrCat("a", i), kBlocks), kChat, other);
  }
  ssd_->HoldWrites();
  std::thread drain([this] { store_->Drain(absl::Seconds(60)); });
  ssd_->WaitForHeldWrite();

  std::atomic<pid_t> deleter{0};
  std::atomic<bool> done{false};
  uint64_t deleted = 0;
  std::thread deleting([&] {
    deleter = gettid();
    deleted = store_->DeleteNamespace(other);
    done = true;
  });
  while (deleter == 0 || Lookup(Chain("a0", 1), other).prefix_blocks > 0 || !Sleeps(deleter)) {
  }
  ssd_->ReleaseOneWrite();
  ssd_->WaitForHeldWrite();
  while (!done && !Sleeps(deleter)) {
  }

  EXPECT_TRUE(done) << "it waits for the second batch as well";
  ssd_->ReleaseWrites();
  deleting.join();
  drain.join();
  EXPECT_EQ(deleted, kChains * kBlocks);
  EXPECT_EQ(ssd_->stats().blocks, kChains * kBlocks);
}

}  // namespace
}  // namespace halflife
