#include "client/src/frame_buffers.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace halflife::client {
namespace {

TEST(FrameBuffers, UseTheMemoryOfAFrameAgainOnceGrpcHasLetGoOfIt) {
  const auto buffers = std::make_shared<FrameBuffers>();
  const uint8_t* first = nullptr;
  {
    const FrameBuffers::Frame frame = buffers->Take(FrameBuffers::kBufferBytes);
    first = frame.bytes.data();
    EXPECT_EQ(frame.slice.begin(), first);
    EXPECT_EQ(frame.slice.size(), FrameBuffers::kBufferBytes);
    EXPECT_NE(buffers->Take(1).bytes.data(), first) << "still in use";
  }

  // The two that were given back, last one first.
  EXPECT_EQ(buffers->kept(), 2u);
  EXPECT_EQ(buffers->Take(10).bytes.data(), first);
}

TEST(FrameBuffers, KeepNoMoreThanTheirLimit) {
  const auto buffers = std::make_shared<FrameBuffers>();
  {
    std::vector<FrameBuffers::Frame> frames;
    for (size_t i = 0; i < FrameBuffers::kMaxKept + 3; ++i) frames.push_back(buffers->Take(100));
  }

  EXPECT_EQ(buffers->kept(), FrameBuffers::kMaxKept);
}

TEST(FrameBuffers, OutliveTheirOwnerWhileASliceIsHeld) {
  auto buffers = std::make_shared<FrameBuffers>();
  const std::weak_ptr<FrameBuffers> alive = buffers;
  FrameBuffers::Frame frame = buffers->Take(5);
  buffers.reset();
  std::memcpy(frame.bytes.data(), "bytes", 5);

  EXPECT_EQ(std::memcmp(frame.slice.begin(), "bytes", 5), 0);
  EXPECT_FALSE(alive.expired());
  frame = {};
  EXPECT_TRUE(alive.expired());
}

}  // namespace
}  // namespace halflife::client
