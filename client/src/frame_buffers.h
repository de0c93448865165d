#pragma once

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "common/limits.h"
#include "common/mutex.h"
#include "proto/wire/frame_codec.h"

namespace halflife::client {

// Memory of the frames that a client sends, used again and again: fresh memory of this size costs a
// page fault for each 4 KiB wherever malloc gives it back to the system, and memory that was just
// sent is still in the caches. Thread-safe. Slices keep it alive: it outlives its client as long as
// gRPC holds one.
class FrameBuffers : public std::enable_shared_from_this<FrameBuffers> {
 public:
  static constexpr size_t kBufferBytes = kFrameBytes + kMaxFrameHeadBytes;
  // What one connection has on its way, and one to be filled. 4 MiB at most are kept.
  static constexpr size_t kMaxKept = 4;

  // A frame that is being written.
  struct Frame {
    absl::Span<uint8_t> bytes;  // as many as were asked for
    grpc::Slice slice;          // of the same memory
  };
  // `size` <= kBufferBytes.
  Frame Take(size_t size);

  size_t kept() const;

 private:
  struct Loan;
  using Buffer = std::unique_ptr<uint8_t[]>;

  void GiveBack(Buffer buffer);

  mutable Mutex mutex_;
  std::vector<Buffer> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
