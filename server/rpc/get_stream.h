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

// One Get: sends the blocks of a plan as frames whose payload refers to arena memory, one frame at
// a time. It reserves one block, and a window of read-ahead while bytes are to spare and its reader
// keeps up. So a reader that stops holds one block, until it is cut: after the stall timeout, or as
// soon as another Get would be refused for want of bytes. Never blocks: reads run on the I/O
// executor. Lives until gRPC's OnDone and the last read.
class GetStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                        public WatchedStream,
                        public std::enable_shared_from_this<GetStream> {
 public:
  // Answers `request` on the returned reactor, which owns itself.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(RpcEnvironmentRef environment,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& request);
  // Only for Start.
  GetStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;
  bool CheckProgress(int64_t now_ns) override;
  int64_t SendingSinceNanos() override;
  void Cut() override;

 private:
  // What other threads have to say, until the next step.
  struct Inbox {
    std::vector<std::pair<size_t, absl::StatusOr<BlockRef>>> arrived;
    absl::Status failure;  // of the I/O executor
    bool write_done = false;
    bool broken = false;  // cancelled, or a write failed
    bool expired = false;
    bool slow = false;  // the reader takes longer than kSlowWrite for a frame
    bool cut = false;   // for the sake of others
  };

  absl::Status Admit(const grpc::ByteBuffer& request);
  absl::Status Reserve();
  void Pump();
  void Step();
  Inbox TakeInbox();
  void GiveBack(const Inbox& inbox);
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

  // Constant after Admit.
  const RpcEnvironmentRef environment_;
  InFlight::Hold under_way_;
  const int64_t started_ns_;
  const int64_t deadline_ns_;
  std::optional<GetPlan> plan_;
  std::shared_ptr<GetStream> self_;  // until OnDone

  CallContext context_;
  SerialPump pump_;

  // Touched by steps only.
  std::optional<InFlight::Hold> read_ahead_;  // the window beyond it
  std::optional<GetWindow> window_;
  uint64_t offset_ = 0;       // of the next piece in the first block of the window
  grpc::ByteBuffer message_;  // being written
  bool writing_ = false;
  bool admitted_ = false;
  bool ended_ = false;
  absl::Status status_;          // final
  uint32_t touched_blocks_ = 0;  // the request has used its chain up to here
  BlockStore::SentBlocks sent_;

  Mutex mutex_;
  Inbox inbox_ ABSL_GUARDED_BY(mutex_);
  // The block being sent. Given back by Cut itself, so that who cuts finds the room at once.
  std::optional<InFlight::Hold> reserved_ ABSL_GUARDED_BY(mutex_);
  int64_t writing_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;  // 0 = not writing
  uint64_t writing_dram_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  TierRates::Sample dram_sent_ ABSL_GUARDED_BY(mutex_);
  bool done_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife
