#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "server/rpc/call_context.h"
#include "server/rpc/get_plan.h"
#include "server/rpc/get_window.h"
#include "server/rpc/inflight.h"
#include "server/rpc/rpc_environment.h"
#include "server/rpc/serial_pump.h"
#include "server/rpc/stream_watch.h"

namespace halflife {

// What may be sent of a plan: all of it, or what its caller has allowed so far.
struct Allowance {
  uint64_t items = UINT64_MAX;  // (block, part) pairs since the beginning, misses too
  uint32_t floor = 0;           // blocks with a lower index are not wanted
  bool may_grow = false;        // else the stream ends where the items do
  bool stopped = false;         // nothing is wanted any more
};

// Sends the blocks of a plan as frames whose payload refers to arena memory, one frame at a time:
// what Get and Fetch have in common. It reserves one block, and a window of read-ahead while bytes
// are to spare and its reader keeps up. So a reader that stops holds one block, until it is cut:
// after the stall timeout, or as soon as another stream would be refused for want of bytes. While
// it waits to be allowed more it holds nothing: not at all in its window, and after kSlowWrite not
// in its reservation. Never blocks: reads run on the I/O executor. Lives until gRPC's OnDone and
// the last read.
//
// A derived class is gRPC's reactor (BlockReactor): it hands events on, and starts the operations.
// It owns itself.
//
//   KeepUntilDone (Refuse | BeWatched Pump*)
class BlockStream : public WatchedStream, public std::enable_shared_from_this<BlockStream> {
 public:
  bool CheckProgress(int64_t now_ns) override;
  int64_t SendingSinceNanos() override;
  void Cut() override;

 protected:
  BlockStream(RpcEnvironmentRef environment, RpcMethod method, grpc::CallbackServerContext* context,
              const Allowance& allowed);

  void KeepUntilDone() { self_ = shared_from_this(); }
  // From now on the watch looks after it.
  void BeWatched() { environment_->watch.Add(shared_from_this()); }
  // Answers without anything being sent. Before everything else.
  void Refuse(absl::Status status);
  // Returns: kUnavailable, counted, if the daemon is.
  absl::Status CheckNotDraining();
  // Before the first step, or from within one.
  // Returns: kResourceExhausted with a retry delay if too much is in flight.
  absl::Status Admit(GetPlan plan);
  // Takes steps until nothing is left to be done now.
  void Pump();

  // gRPC's events.
  void WriteDone(bool ok);
  void Cancelled();
  void Done();

  // Of the reactor; from within a step, and none after the last frame or Finish.
  virtual void StartFrame(grpc::ByteBuffer* message) = 0;
  virtual void StartLastFrame(grpc::ByteBuffer* message) = 0;
  virtual void FinishCall(const grpc::Status& status) = 0;
  // At the beginning of each step: what has the caller said since the last one? May change
  // allowed_, and admit the plan. A failure ends the stream with it.
  virtual absl::Status Listen() { return absl::OkStatus(); }

  BlockStore& store() { return environment_->store; }

  // Touched by steps only.
  Allowance allowed_;
  std::optional<GetPlan> plan_;  // once admitted
  uint64_t spent_items_ = 0;     // of the allowance

 private:
  // What other threads have to say, until the next step.
  struct Inbox {
    std::vector<std::pair<size_t, absl::StatusOr<BlockRef>>> arrived;
    absl::Status failure;  // of the I/O executor
    bool write_done = false;
    bool broken = false;  // cancelled, or a write failed
    bool expired = false;
    bool slow = false;    // the reader takes longer than kSlowWrite for a frame, or to allow more
    bool silent = false;  // it has not allowed more for the stall timeout
    bool cut = false;     // for the sake of others
  };

  absl::Status Reserve(const GetPlan& plan);
  void GiveBackReserved();
  void Step();
  void HeedAllowance();
  // How the stream has to end now, if it has.
  std::optional<absl::Status> EndOf(const Inbox& inbox) const;
  // No block is under way, and none may be begun.
  bool IsOutOfCredit() const { return offset_ == 0 && spent_items_ == allowed_.items; }
  // Nothing can be done until the caller allows more.
  void SetWaiting(bool waiting);
  Inbox TakeInbox();
  void GiveBack(const Inbox& inbox);
  // Items that the window may hold now.
  uint64_t PermittedItems() const;
  void ReadAhead(const Inbox& inbox);
  void ReadItems(const std::vector<size_t>& items, int64_t asked_ns);
  void SendNext();
  void SendPiece(const GetWindow::Slot& slot);
  void SendMiss(const GetWindow::Slot& slot);
  // `dram_bytes`: payload in it that lay in DRAM before this call.
  void Write(grpc::ByteBuffer message, bool last, uint64_t dram_bytes);
  // The write that began at writing_since_ns_ has ended.
  void MeasureWriteLocked(int64_t now_ns) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountBlock(const GetWindow::Slot& slot);
  // Touches and counts what was served; once.
  void Settle();
  void End(absl::Status status);

  // Constant after construction.
  const RpcEnvironmentRef environment_;
  const RpcMethod method_;
  InFlight::Hold under_way_;
  const int64_t started_ns_;
  const int64_t deadline_ns_;
  std::shared_ptr<BlockStream> self_;  // until OnDone

  CallContext context_;
  SerialPump pump_;

  // Touched by steps only.
  std::optional<InFlight::Hold> read_ahead_;  // the window beyond it
  std::optional<GetWindow> window_;
  uint64_t offset_ = 0;       // of the next piece in the first block of the window
  grpc::ByteBuffer message_;  // being written
  bool writing_ = false;
  bool waiting_ = false;         // to be allowed more
  bool has_given_back_ = false;  // its reservation, while it waited
  bool ended_ = false;
  absl::Status failure_;         // to end with, once nothing is being written
  absl::Status status_;          // final
  uint32_t touched_blocks_ = 0;  // the request has used its chain up to here
  BlockStore::SentBlocks sent_;

  Mutex mutex_;
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  // The block being sent. Given back by Cut itself, so that who cuts finds the room at once.
  std::optional<InFlight::Hold> reserved_ ABSL_GUARDED_BY(mutex_);
  int64_t writing_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;  // 0 = not writing
  int64_t waiting_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;  // 0 = not waiting for the caller's word
  uint32_t floor_ ABSL_GUARDED_BY(mutex_) = 0;            // as allowed_.floor, for reads
  uint64_t writing_dram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  TierRates::Sample dram_sent_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife
