#include "client/src/transfer_shape.h"

#include <algorithm>

#include "client/src/scatter.h"
#include "common/limits.h"
#include "tests/client/client_fixture.h"

namespace halflife::client {
namespace {

NamespaceDescriptor Descriptor(uint32_t parts) {
  NamespaceDescriptor descriptor;
  descriptor.model_name = "model";
  descriptor.tokens_per_block = 4;
  descriptor.block_bytes = kSmallBlock;
  descriptor.parts = parts;
  return descriptor;
}

absl::StatusOr<TransferShape> Shape(const std::vector<GetItem>& items, uint32_t parts = 1) {
  return ShapeOf(TransferItems(items, &GetItem::into), Descriptor(parts));
}

TEST(TransferShape, PartsOfABlockFollowEachOther) {
  const Buffers buffers(Chain(1, 3), /*part_count=*/2);

  const auto shape = Shape(buffers.GetItems(), 2);

  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->chain.size(), 3u);
  EXPECT_EQ(shape->part_first, 0);
  EXPECT_EQ(shape->part_count, 2);
}

TEST(TransferShape, ARunOfPartsMayBeginAnywhere) {
  const Buffers buffers(Chain(1, 2));
  auto items = buffers.GetItems();
  items[0].part = items[1].part = 3;

  const auto shape = Shape(items, 4);

  ASSERT_TRUE(shape.ok()) << shape.status();
  EXPECT_EQ(shape->part_first, 3);
  EXPECT_EQ(shape->part_count, 1);
  EXPECT_FALSE(Shape(items, 3).ok()) << "part 3 of 3 parts";
}

TEST(TransferShape, RefusesPartsThatDifferBetweenBlocks) {
  const Buffers buffers(Chain(1, 3), /*part_count=*/2);
  auto items = buffers.GetItems();
  std::swap(items[2], items[3]);
  EXPECT_FALSE(Shape(items, 2).ok());

  items = buffers.GetItems();
  items.pop_back();
  EXPECT_FALSE(Shape(items, 2).ok());

  items = buffers.GetItems();
  items[3].hash = items[1].hash;
  EXPECT_FALSE(Shape(items, 2).ok());
}

TEST(TransferShape, HoldsTheLimitOfItemsExactly) {
  const Buffers most(Chain(1, kMaxTransferBlocks));
  const Buffers too_many(Chain(1, kMaxTransferBlocks + 1));

  EXPECT_TRUE(Shape(most.GetItems()).ok());
  const auto refused = Shape(too_many.GetItems());
  EXPECT_THAT(std::string(refused.status().message()), testing::HasSubstr("129"));
  EXPECT_FALSE(Shape({}).ok());
}

TEST(TransferShape, HoldsTheLimitOfSegmentsExactly) {
  const Buffers most(Chain(1, 1), 1, kSmallBlock, kMaxSegments);
  const Buffers too_many(Chain(1, 1), 1, kSmallBlock, kMaxSegments + 1);

  EXPECT_TRUE(Shape(most.GetItems()).ok());
  EXPECT_FALSE(Shape(too_many.GetItems()).ok());
}

TEST(TransferShape, SegmentsMustAddUpToTheBlock) {
  std::vector<uint8_t> memory(2 * kSmallBlock);
  for (const uint64_t bytes : {uint64_t{0}, kSmallBlock - 1, kSmallBlock + 1}) {
    const std::vector<Segment> segments = {{memory.data(), bytes}};
    std::vector<GetItem> items(1);
    items[0].into = segments;
    EXPECT_FALSE(Shape(items).ok()) << bytes;
  }
  const std::vector<Segment> wraps = {{memory.data(), SIZE_MAX}, {memory.data(), kSmallBlock + 1}};
  const std::vector<Segment> null = {{nullptr, kSmallBlock}};
  std::vector<GetItem> items(1);
  items[0].into = wraps;
  EXPECT_FALSE(Shape(items).ok()) << "a sum that wraps to block_bytes";
  items[0].into = null;
  EXPECT_FALSE(Shape(items).ok());
  items[0].into = {};
  EXPECT_FALSE(Shape(items).ok());
}

TEST(ScatterCursor, CopiesAcrossSegmentsInAnyStep) {
  const std::vector<uint8_t> payload = Payload(Chain(1, 1)[0], 0);
  for (const size_t step : {1u, 7u, 100u, 4096u, 8192u}) {
    Buffers buffers(Chain(1, 1), 1, kSmallBlock, 13);
    const auto items = buffers.GetItems();
    ScatterCursor in(items[0].into);
    for (size_t at = 0; at < payload.size(); at += step) {
      const uint8_t* from = payload.data() + at;
      in.Next(std::min(step, payload.size() - at), [&from](absl::Span<uint8_t> to) {
        std::copy_n(from, to.size(), to.begin());
        from += to.size();
      });
    }
    std::vector<uint8_t> out(payload.size());
    ScatterCursor cursor(items[0].into);
    cursor.CopyOut(absl::MakeSpan(out));

    EXPECT_EQ(out, payload) << "step " << step;
    EXPECT_TRUE(buffers.GuardsAreIntact()) << "step " << step;
  }
}

}  // namespace
}  // namespace halflife::client
