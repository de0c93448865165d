#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/hashing.h"
#include "common/mutex.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/byte_buffer.h"
#include "proto/wire/frame_codec.h"
#include "server/rpc/call_context.h"
#include "server/rpc/inflight.h"
#include "server/rpc/put_pace.h"
#include "server/rpc/put_plan.h"
#include "server/rpc/put_sequence.h"
#include "server/rpc/rpc_environment.h"
#include "server/rpc/serial_pump.h"
#include "server/rpc/stream_watch.h"

namespace halflife {

// One Put: receives blocks one after the other, each straight into an arena buffer, and commits
// each when it is complete. Reads one message at a time, and none while it waits for room. A peer
// that sends below the minimum pace loses its buffer at once and is told so with its next message.
// A stream that breaks off leaves nothing behind. Never blocks. Lives until gRPC's OnDone and the
// answer to its last request for a buffer.
class PutStream final : public grpc::ServerReadReactor<grpc::ByteBuffer>,
                        public WatchedStream,
                        public std::enable_shared_from_this<PutStream> {
 public:
  // Fills `response`, which lives until the returned reactor, which owns itself, is done.
  static grpc::ServerReadReactor<grpc::ByteBuffer>* Start(RpcEnvironmentRef environment,
                                                          grpc::CallbackServerContext* context,
                                                          grpc::ByteBuffer* response);
  // Only for Start.
  PutStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context,
            grpc::ByteBuffer* response);

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  bool CheckProgress(int64_t now_ns) override;

 private:
  // What other threads have to say, until the next step.
  struct Inbox {
    bool read_done = false;
    bool read_ok = false;
    bool broken = false;
    bool expired = false;
    bool too_slow = false;
    std::optional<absl::StatusOr<BlockBuffer>> buffer;
  };
  // The frame that waits for its block's buffer.
  struct WaitingFrame {
    MessageSpans message;  // what the frame's payload points into
    Frame frame;
    PutSequence::Position position;
  };
  enum class Next { kRead, kWait, kEnded };

  void Pump();
  void Step();
  Inbox TakeInbox();
  Next TakeMessage();
  Next TakeHeader(const std::string& serialized);
  Next TakeFrame(MessageSpans message, Frame frame);
  Next TakeBuffer(absl::StatusOr<BlockBuffer> buffer);
  void CountReceived(uint64_t bytes, const PutSequence::Position& position);
  // Puts the piece in place, or drops it if the block is not wanted; commits the block after its
  // last piece.
  Next StorePiece(const Frame& frame, const PutSequence::Position& position);
  Next CommitBlock(size_t item);
  Next EndOfStream();
  void StartReading();
  bool AllResident() const;
  void SetOutcome(size_t item, PutOutcome outcome);
  void RefuseFrom(size_t item, PutOutcome outcome);
  // Gives back buffer and reservation.
  void LetGo();
  absl::Status TooSlowError();
  Next EndWell();
  Next End(absl::Status status);

  // Constant after construction.
  const RpcEnvironmentRef environment_;
  InFlight::Hold under_way_;
  const int64_t started_ns_;
  const int64_t deadline_ns_;
  grpc::ByteBuffer* const response_;
  std::shared_ptr<PutStream> self_;  // until OnDone

  CallContext context_;
  SerialPump pump_;

  // Touched by steps only.
  std::optional<PutPlan> plan_;  // once the header is there
  std::optional<PutSequence> sequence_;
  std::optional<InFlight::Hold> reserved_;
  grpc::ByteBuffer message_;  // being read
  std::optional<WaitingFrame> waiting_;
  BlockBuffer buffer_;                  // of the current block; none if its pieces are dropped
  Digest128 checksum_{};                // of the current block, as declared
  std::optional<Xxh3Stream> computed_;  // the same, of what has come
  std::string statuses_;                // a PutStatus per item
  uint32_t stored_ = 0;
  uint32_t duplicates_ = 0;
  bool reading_ = false;
  bool ended_ = false;
  absl::Status status_;  // final

  Mutex mutex_;
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  int64_t reading_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;  // 0 = not waiting for the peer
  PutPace pace_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife
