#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "halflife/v1/shared_memory.pb.h"
#include "server/rpc/put_plan.h"
#include "server/rpc/serial_pump.h"
#include "server/shm/shm_environment.h"
#include "server/shm/shm_region.h"

namespace halflife {

// One CommitBlocks, free of gRPC: copies block after block from the session's staging memory, or
// from its regions, into the arena and publishes each whose COPY has the declared checksum. The
// client may write to its memory meanwhile; all it can reach is a checksum that does not hold.
// Never blocks: when a block has to wait for room it goes on later, on the I/O executor.
// Thread-safe.
class CommitCall : public std::enable_shared_from_this<CommitCall> {
 public:
  // Runs once, with the outcome.
  using Done = std::function<void(const absl::Status&, const v1::CommitBlocksResponse&)>;

  CommitCall(ShmEnvironment& environment, ShmSessionRef session, Done done)
      : environment_(environment),
        under_way_(*environment.calls.TryHold(0)),
        session_(std::move(session)),
        done_(std::move(done)) {}

  // Ends with: as MakePutPlan; kInvalidArgument for a block that is not within the staging memory;
  // kDataLoss if a checksum does not hold (blocks before it are stored); kResourceExhausted if the
  // I/O queue is full.
  void Start(const v1::CommitBlocksRequest& request);

 private:
  struct Staged {
    uint64_t offset = 0;               // in the staging memory,
    std::optional<RegionPlace> place;  // or this
    Digest128 checksum{};
  };

  absl::Status Prepare(const v1::CommitBlocksRequest& request);
  absl::StatusOr<Staged> Check(const v1::StagedBlock& message) const;
  // Returns: as RegionPlace::Read.
  absl::Status CopyAndHashTo(BlockBuffer& buffer, const Staged& staged, Xxh3Stream& checksum) const;
  // Goes on until a block has to wait, or all are done.
  void Step();
  void StepOnIo();
  // False if the call has ended.
  bool TakeBuffer(absl::StatusOr<BlockBuffer> buffer);
  bool CommitBlock(BlockBuffer buffer);
  void OnBuffer(absl::StatusOr<BlockBuffer> buffer);
  std::optional<absl::StatusOr<BlockBuffer>> TakeArrived();
  void SetOutcome(PutOutcome outcome);
  void End(const absl::Status& status);

  ShmEnvironment& environment_;
  // As a LeaseCall's: it may hold a buffer that came too late.
  const InFlight::Hold under_way_;
  const ShmSessionRef session_;
  SerialPump pump_;

  // Touched by steps only.
  Done done_;
  std::optional<PutPlan> plan_;
  std::vector<Staged> staged_;  // by item
  size_t next_item_ = 0;
  bool asked_ = false;  // for the buffer of next_item_
  bool ended_ = false;
  std::string statuses_;  // a PutStatus per item
  v1::CommitBlocksResponse response_;

  Mutex mutex_;
  std::optional<absl::StatusOr<BlockBuffer>> arrived_ ABSL_GUARDED_BY(mutex_);
  bool stepping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife
