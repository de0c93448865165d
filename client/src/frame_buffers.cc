#include "client/src/frame_buffers.h"

#include <utility>

#include "common/check.h"

namespace halflife::client {

// What a slice of gRPC holds.
struct FrameBuffers::Loan {
  std::shared_ptr<FrameBuffers> of;
  Buffer buffer;
};

FrameBuffers::Frame FrameBuffers::Take(size_t size) {
  HL_CHECK(size <= kBufferBytes);
  auto loan = std::make_unique<Loan>(Loan{shared_from_this(), nullptr});
  {
    MutexLock lock(mutex_);
    if (!kept_.empty()) {
      loan->buffer = std::move(kept_.back());
      kept_.pop_back();
    }
  }
  if (loan->buffer == nullptr) loan->buffer.reset(new uint8_t[kBufferBytes]);  // not cleared
  uint8_t* const bytes = loan->buffer.get();
  grpc::Slice slice(
      bytes, size,
      [](void* held) {
        const std::unique_ptr<Loan> done(static_cast<Loan*>(held));
        done->of->GiveBack(std::move(done->buffer));
      },
      loan.release());
  return {{bytes, size}, std::move(slice)};
}

void FrameBuffers::GiveBack(Buffer buffer) {
  MutexLock lock(mutex_);
  if (kept_.size() < kMaxKept) kept_.push_back(std::move(buffer));
}

size_t FrameBuffers::kept() const {
  MutexLock lock(mutex_);
  return kept_.size();
}

}  // namespace halflife::client
