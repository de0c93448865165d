#include <cstring>
#include <thread>

#include "common/limits.h"
#include "gmock/gmock.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

using PutTest = StoreTest;

TEST_F(PutTest, ABlockThatWasPutIsReadBackByteForByte) {
  const auto chain = Chain("a", 8);

  EXPECT_THAT(PutChain(chain), Each(PutOutcome::kStored));

  EXPECT_EQ(Prefix(chain), 8u);
  for (const BlockHash& hash : chain) ExpectReadable(hash);
}

TEST_F(PutTest, NothingIsVisibleBeforeItIsCommitted) {
  const auto chain = Chain("a", 1);

  const BlockStore::PutBlock open = Prepare(chain, 0);

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_FALSE(InDram(chain[0]));
  EXPECT_TRUE(absl::IsNotFound(ReadOne(chain[0]).status()));
}

TEST_F(PutTest, AnAbandonedBufferLeavesNothingBehind) {
  const auto chain = Chain("a", 1);

  Prepare(chain, 0);

  EXPECT_EQ(store_->stats().put_buffer_bytes, 0u);
  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
}

TEST_F(PutTest, AWrongChecksumIsRefusedAndStoresNothing) {
  const auto chain = Chain("a", 1);
  BlockStore::PutBlock block = Prepare(chain, 0);
  block.buffer.bytes()[17] ^= 1;

  EXPECT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kRefusedChecksum);

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
}

TEST_F(PutTest, RightBytesUnderTheWrongKeyAreRefused) {
  const auto chain = Chain("a", 2);
  BlockStore::PutBlock block = Prepare(chain, 0);
  block.address = Address(chain[1]);

  EXPECT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kRefusedChecksum);
}

TEST_F(PutTest, ABufferOfTheWrongSizeIsRefused) {
  const auto chain = Chain("a", 1);
  const NamespaceRef small = OpenNamespace("small", 16 << 10);
  BlockStore::PutBlock block = Prepare(chain, 0, 0, small);
  block.address = Address(chain[0]);
  block.checksum = PayloadChecksum(block.address.identity, block.buffer.bytes());

  EXPECT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kRefusedChecksum);
}

TEST_F(PutTest, AnEmptyBufferIsRefused) {
  const auto chain = Chain("a", 1);
  BlockStore::PutBlock block;
  block.address = Address(chain[0]);

  EXPECT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kRefusedChecksum);
}

TEST_F(PutTest, OfTwoWritersTheFirstWins) {
  const auto chain = Chain("a", 1);
  BlockStore::PutBlock first = Prepare(chain, 0);
  BlockStore::PutBlock second = Prepare(chain, 0);
  BlockStore::PutBlock third = Prepare(chain, 0);
  third.buffer.bytes()[0] ^= 1;
  third.checksum = PayloadChecksum(third.address.identity, third.buffer.bytes());

  EXPECT_EQ(store_->Commit(ns_, std::move(first), kChat), PutOutcome::kStored);
  EXPECT_EQ(store_->Commit(ns_, std::move(second), kChat), PutOutcome::kDuplicate);
  EXPECT_EQ(store_->Commit(ns_, std::move(third), kChat), PutOutcome::kDuplicateOtherBytes);

  ExpectReadable(chain[0]);
}

TEST_F(PutTest, NothingIsSentForABlockThatIsHere) {
  const auto chain = Chain("a", 1);
  PutChain(chain);

  EXPECT_TRUE(absl::IsAlreadyExists(Allocate(chain[0]).status()));
}

TEST_F(PutTest, NothingIsSentForABlockThatIsOnSsdOnly) {
  const auto chain = Chain("a", 1);
  PutChain(chain);
  Restart(/*drain=*/true);
  ASSERT_FALSE(InDram(chain[0]));

  EXPECT_TRUE(absl::IsAlreadyExists(Allocate(chain[0]).status()));
}

TEST_F(PutTest, OpenBuffersAreBoundedToTheByte) {
  Setup setup;
  setup.options.max_put_bytes = 3 * kTestBlockBytes;
  Open(setup);
  const auto chain = Chain("a", 4);

  std::vector<BlockStore::PutBlock> open;
  for (size_t i = 0; i < 3; ++i) open.push_back(Prepare(chain, i));
  EXPECT_EQ(store_->stats().put_buffer_bytes, 3 * kTestBlockBytes);
  EXPECT_TRUE(absl::IsResourceExhausted(Allocate(chain[3]).status()));

  open.pop_back();
  EXPECT_TRUE(Allocate(chain[3]).ok());
}

TEST_F(PutTest, APutThatFindsNoRoomGetsItWhenTheBackgroundMadeSome) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto old_chain = Chain("old", 8);
  for (size_t i = 0; i < 8; ++i)
    ASSERT_EQ(store_->Commit(ns_, Prepare(old_chain, i), kChat), PutOutcome::kStored);
  const auto chain = Chain("new", 1);

  bool answered = false;
  absl::StatusOr<BlockBuffer> buffer = absl::UnknownError("no answer");
  while (arena_->HasRoom(kTestBlockBytes)) {  // fill what eviction ahead has freed
    PutChain(Chain(absl::StrCat("fill", arena_->stats().allocated_blocks), 1));
  }
  store_->AllocateForPut(ns_, Address(chain[0]), [&](absl::StatusOr<BlockBuffer> result) {
    answered = true;
    buffer = std::move(result);
  });
  EXPECT_FALSE(answered) << "there was room";
  store_->Quiesce();

  EXPECT_TRUE(answered);
  EXPECT_TRUE(buffer.ok()) << buffer.status();
}

TEST_F(PutTest, APutThatGetsNoRoomIsRefusedAtItsDeadlineAndNotBefore) {
  Setup setup;
  setup.dram_blocks = 4;
  setup.options.max_pinned_bytes = 4 * kTestBlockBytes;
  setup.options.free_target_ratio = 0;
  Open(setup);
  const auto chain = Chain("pinned", 4);
  PutChain(chain);
  const PinnedLookup pinned = store_->Pin(Slice(chain), {}, kChat, absl::Seconds(30));
  ASSERT_EQ(pinned.pinned_blocks, 4u);
  const auto other = Chain("other", 1);

  absl::Status answer = absl::UnknownError("no answer");
  store_->AllocateForPut(ns_, Address(other[0]),
                         [&](absl::StatusOr<BlockBuffer> result) { answer = result.status(); });
  clock_.Advance(setup.options.put_room_wait - absl::Nanoseconds(1));
  store_->Quiesce();
  EXPECT_TRUE(absl::IsUnknown(answer));
  clock_.Advance(absl::Nanoseconds(1));
  store_->Quiesce();

  EXPECT_TRUE(absl::IsResourceExhausted(answer)) << answer;
  EXPECT_EQ(Lookup(other).miss_reason, MissReason::kNotAdmitted);
  EXPECT_EQ(Prefix(chain), 4u);
}

TEST_F(PutTest, ABlockAboveTheBufferLimitMayBePutAlone) {
  Setup setup;
  setup.options.max_put_bytes = kTestBlockBytes / 2;
  Open(setup);

  EXPECT_THAT(PutChain(Chain("a", 3)), Each(PutOutcome::kStored));
}

TEST_F(PutTest, ABlockThatNeverFitsIsRefusedAtOnceAndFlushesNothing) {
  const NamespaceRef huge = OpenNamespace("huge", 65 * kTestBlockBytes);
  const auto chain = Chain("a", 32);
  PutChain(chain);

  absl::Status answer;
  store_->AllocateForPut(huge, Address(chain[0], 0, huge),
                         [&](absl::StatusOr<BlockBuffer> buffer) { answer = buffer.status(); });
  store_->Quiesce();

  EXPECT_TRUE(absl::IsResourceExhausted(answer));
  for (const BlockHash& hash : chain) EXPECT_TRUE(InDram(hash));
}

TEST_F(PutTest, ADrainAnswersAPutThatTheBackgroundIsLookingAt) {
  Setup setup;
  setup.options.max_put_bytes = kTestBlockBytes;
  Open(setup);
  const auto chain = Chain("a", 4);
  const BlockStore::PutBlock open = Prepare(chain, 0);  // all that may be open
  Mutex mutex;
  CondVar changed;
  bool looked_at = false, drains = false;
  std::optional<absl::Status> second;
  const auto ask = [&](size_t index, std::function<void(const absl::Status&)> answer) {
    store_->AllocateForPut(
        ns_, Address(chain[index]),
        [answer](absl::StatusOr<BlockBuffer> buffer) { answer(buffer.status()); });
  };
  // The first runs out of time; while it is told so, the background holds the second.
  ask(1, [&](const absl::Status&) {
    ask(3, [&](const absl::Status&) {  // told by the drain
      MutexLock lock(mutex);
      drains = true;
      changed.NotifyAll();
    });
    MutexLock lock(mutex);
    looked_at = true;
    changed.NotifyAll();
    while (!drains) changed.Wait(mutex);
  });
  clock_.Advance(absl::Milliseconds(60));
  ask(2, [&](const absl::Status& status) { second = status; });
  clock_.Advance(absl::Milliseconds(60));
  std::thread background([&] { store_->Quiesce(); });
  {
    MutexLock lock(mutex);
    while (!looked_at) changed.Wait(mutex);
  }

  store_->Drain(absl::Seconds(1));
  background.join();

  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*second)) << *second;
}

TEST_F(PutTest, AfterDrainNothingIsAccepted) {
  const auto chain = Chain("a", 2);
  BlockStore::PutBlock open = Prepare(chain, 0);

  store_->Drain(absl::Seconds(1));

  EXPECT_EQ(store_->Commit(ns_, std::move(open), kChat), PutOutcome::kRefusedNotAdmitted);
  EXPECT_TRUE(absl::IsUnavailable(Allocate(chain[1]).status()));
}

TEST_F(PutTest, OutcomesAreCountedPerCategory) {
  const auto chain = Chain("a", 3);
  PutChain(chain, kAgent);
  store_->CountPut(ns_, kAgent, PutOutcome::kDuplicate);

  for (const CategoryStats& category : store_->stats().categories) {
    const bool agent = category.name == "agent/1";
    EXPECT_EQ(category.put_blocks[static_cast<int>(PutOutcome::kStored)], agent ? 3u : 0u);
    EXPECT_EQ(category.put_blocks[static_cast<int>(PutOutcome::kDuplicate)], agent ? 1u : 0u);
    EXPECT_EQ(category.put_bytes, agent ? 3 * kTestBlockBytes : 0u);
    EXPECT_EQ(category.resident_blocks[0], agent ? 3u : 0u);
  }
}

TEST_F(PutTest, OptionsOutOfBoundsAreRefusedByName) {
  BlockStore::Options options;
  options.free_target_ratio = 0.51;
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("free_target_ratio"));
  options = {};
  options.put_room_wait = kMaxDeadline + absl::Milliseconds(1);
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("put_room_wait"));
  options = {};
  options.step_interval = absl::ZeroDuration();
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("step_interval"));
  options = {};
  options.policy = "clairvoyant";
  EXPECT_THAT(std::string(options.Validate().message()), HasSubstr("clairvoyant"));
  EXPECT_TRUE(BlockStore::Options().Validate().ok());
}

// --- Namespaces

TEST_F(PutTest, NamespacesAreApart) {
  const NamespaceRef other = OpenNamespace("other");
  const auto chain = Chain("a", 2);
  PutChain(chain);

  EXPECT_EQ(Lookup(chain, other).prefix_blocks, 0u);
  EXPECT_TRUE(absl::IsNotFound(ReadOne(chain[0], 0, other).status()));
  EXPECT_THAT(PutChain(chain, kChat, other), Each(PutOutcome::kStored));
  ExpectReadable(chain[0]);
  ExpectReadable(chain[0], 0, other);
}

TEST_F(PutTest, AnOpenNamespaceIsOpenedOnce) {
  EXPECT_EQ(OpenNamespace("model"), ns_);
  EXPECT_EQ(store_->FindNamespace(ns_->id), ns_);
  EXPECT_EQ(store_->Namespaces().size(), 1u);
  EXPECT_EQ(store_->FindNamespace(NamespaceId{}), nullptr);
}

TEST_F(PutTest, ABadDescriptorIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(store_->OpenNamespace(NamespaceDescriptor()).status()));
}

TEST_F(PutTest, TheLastNamespaceFitsAndTheNextDoesNot) {
  for (uint32_t i = 1; i < kMaxNamespaces; ++i) {
    ASSERT_NE(OpenNamespace(absl::StrCat("m", i)), nullptr);
  }
  NamespaceDescriptor descriptor = ns_->descriptor;
  descriptor.model_name = "one too many";

  EXPECT_TRUE(absl::IsResourceExhausted(store_->OpenNamespace(descriptor).status()));
  EXPECT_TRUE(store_->OpenNamespace(ns_->descriptor).ok());
}

TEST_F(PutTest, ANamespaceThatCouldNotBeSavedIsSavedLater) {
  ssd_->FailNamespaceWritesWith(absl::UnavailableError("read-only"));
  const NamespaceRef ns = OpenNamespace("late");
  ASSERT_NE(ns, nullptr);
  ssd_->FailNamespaceWritesWith(absl::OkStatus());
  store_->Quiesce();
  Restart(/*drain=*/true);

  EXPECT_NE(store_->FindNamespace(ns->id), nullptr);
}

// --- Parts

TEST_F(PutTest, ABlockIsResidentWhenAllItsPartsAre) {
  const NamespaceRef ns = OpenNamespace("parallel", kTestBlockBytes, 4);
  const auto chain = Chain("a", 3);
  PutBlocks(chain, 0, 3, kChat, ns, {0, 3});

  EXPECT_EQ(Lookup(chain, ns, {0, 4}).prefix_blocks, 0u);
  EXPECT_EQ(Lookup(chain, ns, {0, 3}).prefix_blocks, 3u);
  EXPECT_EQ(Lookup(chain, ns, {2, 1}).prefix_blocks, 3u);
  EXPECT_EQ(Lookup(chain, ns, {3, 1}).prefix_blocks, 0u);

  PutBlocks(chain, 0, 2, kChat, ns, {3, 1});
  EXPECT_EQ(Lookup(chain, ns, {0, 4}).prefix_blocks, 2u);
  ExpectReadable(chain[1], 3, ns);
}

}  // namespace
}  // namespace halflife
