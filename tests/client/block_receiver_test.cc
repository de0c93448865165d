#include "client/src/block_receiver.h"

#include <functional>

#include "tests/client/client_fixture.h"

namespace halflife::client {
namespace {

constexpr uint16_t kParts = 2;
constexpr uint32_t kBlocks = 3;
constexpr uint32_t kGroup = 1;

class BlockReceiverTest : public testing::Test {
 protected:
  BlockReceiverTest() { receiver_.Restart(items_); }

  BlockReceiver::Expected Expected(bool verify = true) const {
    BlockReceiver::Expected expected;
    expected.ns = ns_;
    expected.group = kGroup;
    expected.block_bytes = kSmallBlock;
    expected.verify = verify;
    for (const Hash& hash : chain_) expected.shape.chain.push_back({hash});
    expected.shape.part_count = kParts;
    return expected;
  }
  BlockIdentity Identity(uint32_t index, uint16_t part) const {
    return {.ns = ns_, .hash = {chain_[index]}, .group = kGroup, .part = part};
  }
  // A first frame with [0, bytes) of a true payload.
  Frame First(uint32_t index, uint16_t part, size_t bytes = kSmallBlock) {
    payload_ = Payload(chain_[index], part);
    Frame frame;
    frame.head = {.index = index,
                  .part = part,
                  .offset = 0,
                  .block_bytes = kSmallBlock,
                  .checksum = PayloadChecksum(Identity(index, part), payload_)};
    SetPayload(frame, 0, bytes);
    return frame;
  }
  Frame Next(uint32_t index, uint16_t part, uint64_t offset, size_t bytes) {
    Frame frame;
    frame.head.index = index;
    frame.head.part = part;
    frame.head.offset = offset;
    SetPayload(frame, offset, bytes);
    return frame;
  }
  void SetPayload(Frame& frame, uint64_t offset, size_t bytes) {
    frame.payload_bytes = bytes;
    frame.payload.clear();
    // In pieces, as they come from the network.
    const absl::Span<const uint8_t> all = absl::MakeConstSpan(payload_).subspan(offset, bytes);
    if (all.size() > 9) frame.payload.push_back(all.subspan(0, 9));
    frame.payload.push_back(all.size() > 9 ? all.subspan(9) : all);
  }
  bool Accept(const Frame& frame) { return receiver_.Accept(frame, items_); }
  Outcome OutcomeAt(uint32_t index, uint16_t part) const {
    return items_[index * kParts + part].outcome;
  }

  const std::vector<Hash> chain_ = Chain(9, kBlocks);
  NamespaceId ns_{{1, 2, 3}};
  Buffers buffers_{chain_, kParts, kSmallBlock, 5};
  std::vector<GetItem> items_ = buffers_.GetItems();
  BlockReceiver receiver_{Expected()};
  std::vector<uint8_t> payload_;
};

TEST_F(BlockReceiverTest, AVerifiedBlockIsOk) {
  EXPECT_TRUE(Accept(First(1, 1)));

  EXPECT_EQ(OutcomeAt(1, 1), Outcome::kOk);
  EXPECT_TRUE(buffers_.HoldsPayload(1 * kParts + 1));
  EXPECT_EQ(receiver_.counts().bytes, kSmallBlock);
  EXPECT_TRUE(buffers_.GuardsAreIntact());
}

TEST_F(BlockReceiverTest, ABlockMayComeInSeveralFrames) {
  EXPECT_TRUE(Accept(First(0, 0, 1000)));
  EXPECT_TRUE(receiver_.in_the_middle());
  EXPECT_TRUE(Accept(Next(0, 0, 1000, 5000)));
  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss) << "before its last frame";
  EXPECT_TRUE(Accept(Next(0, 0, 6000, kSmallBlock - 6000)));

  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kOk);
  EXPECT_FALSE(receiver_.in_the_middle());
  EXPECT_TRUE(buffers_.HoldsPayload(0));
}

TEST_F(BlockReceiverTest, EachFlippedBitIsAMiss) {
  for (const size_t at : {size_t{0}, size_t{9}, size_t{kSmallBlock / 2}, size_t{kSmallBlock - 1}}) {
    receiver_.Restart(items_);
    Frame frame = First(0, 0);
    payload_[at] ^= 0x10;

    EXPECT_TRUE(Accept(frame));

    EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss) << at;
    EXPECT_EQ(receiver_.counts().corrupt_blocks, 1u);
    EXPECT_EQ(receiver_.counts().bytes, 0u);
  }
}

TEST_F(BlockReceiverTest, TheBytesAndChecksumOfAnotherIdentityAreAMiss) {
  BlockIdentity other_part = Identity(0, 1);
  BlockIdentity other_hash = Identity(1, 0);
  BlockIdentity other_group = Identity(0, 0);
  other_group.group = kGroup + 1;
  BlockIdentity other_ns = Identity(0, 0);
  other_ns.ns.bytes[31] ^= 1;
  for (const BlockIdentity& other : {other_part, other_hash, other_group, other_ns}) {
    receiver_.Restart(items_);
    Frame frame = First(0, 0);
    frame.head.checksum = PayloadChecksum(other, payload_);

    EXPECT_TRUE(Accept(frame));

    EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss);
    EXPECT_EQ(receiver_.counts().corrupt_blocks, 1u);
  }
}

TEST_F(BlockReceiverTest, WithoutVerificationTheChecksumIsNotLookedAt) {
  BlockReceiver receiver(Expected(/*verify=*/false));
  receiver.Restart(items_);
  Frame frame = First(0, 0);
  (*frame.head.checksum)[0] ^= 1;

  EXPECT_TRUE(receiver.Accept(frame, items_));

  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kOk);
}

TEST_F(BlockReceiverTest, AReportedMissIsAMissAndNotAViolation) {
  for (const FrameStatus status :
       {FrameStatus::kMiss, FrameStatus::kCorrupt, FrameStatus::kUnavailable}) {
    receiver_.Restart(items_);
    Frame miss;
    miss.head.status = status;
    EXPECT_TRUE(Accept(miss));
    EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss);
    EXPECT_FALSE(Accept(miss)) << "reported twice";
  }
}

TEST_F(BlockReceiverTest, AFirstFrameThatDoesNotFitIsAViolation) {
  const std::vector<std::function<void(Frame&)>> lies = {
      [](Frame& f) { f.head.index = kBlocks; },
      [](Frame& f) { f.head.index = UINT32_MAX; },
      [](Frame& f) { f.head.part = kParts; },
      [](Frame& f) { f.head.part = UINT32_MAX; },
      [](Frame& f) { f.head.offset = 1; },
      [](Frame& f) { f.head.offset = UINT64_MAX; },
      [](Frame& f) { f.head.block_bytes = kSmallBlock - 1; },
      [](Frame& f) { f.head.block_bytes = kSmallBlock + 1; },
      [](Frame& f) { f.head.block_bytes = 0; },
      [](Frame& f) { f.head.checksum.reset(); },
      [](Frame& f) { f.head.status = FrameStatus::kMiss; },  // a miss with payload
      [](Frame& f) {
        f.payload.clear();
        f.payload_bytes = 0;
      },
  };
  for (size_t i = 0; i < lies.size(); ++i) {
    receiver_.Restart(items_);
    Frame frame = First(0, 0);
    lies[i](frame);
    EXPECT_FALSE(Accept(frame)) << "lie " << i;
    EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss) << "lie " << i;
  }
  EXPECT_TRUE(buffers_.GuardsAreIntact());
}

TEST_F(BlockReceiverTest, AFurtherFrameThatDoesNotFollowIsAViolation) {
  const std::vector<std::function<Frame()>> frames = {
      [this] { return Next(0, 0, 999, 100); },   // overlaps
      [this] { return Next(0, 0, 1001, 100); },  // leaves a gap
      [this] { return Next(0, 1, 1000, 100); },  // another part
      [this] { return Next(1, 0, 1000, 100); },  // another block
      [this] { return Next(0, 0, 1000, 0); },    // nothing
      [this] { return First(0, 0); },            // from the beginning
      [this] { return First(1, 0); },            // the next one too early
  };
  for (size_t i = 0; i < frames.size(); ++i) {
    receiver_.Restart(items_);
    ASSERT_TRUE(Accept(First(0, 0, 1000)));
    EXPECT_FALSE(Accept(frames[i]())) << "frame " << i;
    EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss) << "frame " << i;
  }
}

TEST_F(BlockReceiverTest, MorePayloadThanTheBlockHasIsAViolation) {
  ASSERT_TRUE(Accept(First(0, 0, kSmallBlock - 10)));
  payload_.resize(kSmallBlock + 1);

  EXPECT_FALSE(Accept(Next(0, 0, kSmallBlock - 10, 11)));

  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss);
  EXPECT_TRUE(buffers_.GuardsAreIntact());
}

TEST_F(BlockReceiverTest, ABlockThatComesTwiceIsAViolationAndStaysOk) {
  ASSERT_TRUE(Accept(First(0, 0)));

  EXPECT_FALSE(Accept(First(0, 0)));

  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kOk);
  EXPECT_TRUE(buffers_.HoldsPayload(0));
}

TEST_F(BlockReceiverTest, BelowTheFloorNothingIsWrittenAndItIsAMiss) {
  const auto before = buffers_.Bytes(0);
  receiver_.RaiseFloor(1);

  EXPECT_TRUE(Accept(First(0, 0)));

  EXPECT_EQ(OutcomeAt(0, 0), Outcome::kMiss);
  EXPECT_TRUE(buffers_.Bytes(0) == before);
  EXPECT_EQ(receiver_.counts().bytes + receiver_.counts().corrupt_blocks, 0u);
  EXPECT_EQ(receiver_.settled_items(), 1u);
}

TEST_F(BlockReceiverTest, BelowTheFloorTheSenderMayBreakOffAndAboveItMayNot) {
  ASSERT_TRUE(Accept(First(1, 0, 100)));
  EXPECT_TRUE(receiver_.in_the_middle());
  EXPECT_FALSE(Accept(First(2, 0)));

  receiver_.Restart(items_);
  ASSERT_TRUE(Accept(First(1, 0, 100)));
  receiver_.RaiseFloor(2);

  EXPECT_FALSE(receiver_.in_the_middle());
  EXPECT_TRUE(Accept(First(2, 0)));
  EXPECT_EQ(OutcomeAt(2, 0), Outcome::kOk);
  EXPECT_EQ(OutcomeAt(1, 0), Outcome::kMiss);
  EXPECT_FALSE(Accept(First(1, 0))) << "it was given up";
  EXPECT_EQ(receiver_.settled_items(), 2u);
}

}  // namespace
}  // namespace halflife::client
