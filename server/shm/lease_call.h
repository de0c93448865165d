#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "halflife/v1/shared_memory.pb.h"
#include "server/rpc/get_plan.h"
#include "server/shm/shm_environment.h"
#include "server/shm/shm_region.h"

namespace halflife {

// One LeaseBlocks or CopyBlocks, free of gRPC: finds the blocks, then promises those that are there
// and says where they lie, or copies them into the session's regions. One thread at a time.
//
//   Start, then Read [I/O] unless Start says that all is at hand, then Promise or Copy, then Settle
class LeaseCall {
 public:
  LeaseCall(ShmEnvironment& environment, ShmSessionRef session)
      : environment_(environment),
        under_way_(*environment.calls.TryHold(0)),
        session_(std::move(session)) {}

  // True if nothing has to be read. Returns: as MakeGetPlan and LeaseFromWire; kResourceExhausted
  // if too much is being read.
  absl::StatusOr<bool> Start(const v1::LeaseBlocksRequest& request);
  absl::StatusOr<bool> Start(const v1::CopyBlocksRequest& request);
  void Read();
  // Returns: kResourceExhausted if the lease finds no room, kUnauthenticated if the session has
  // gone.
  absl::Status Promise(v1::LeaseBlocksResponse& response);
  // Returns: kInvalidArgument for targets that are not as many as the blocks, or not within regions
  // of the session; kOutOfRange if a region cannot be written to (blocks
  // before are copied). Looks at `closed` of the session between pieces.
  absl::Status Copy(const google::protobuf::RepeatedPtrField<v1::CopyTarget>& targets,
                    v1::CopyBlocksResponse& response);
  // Touches and counts what was promised: when the answer is on its way, which need not wait for
  // it.
  void Settle() const;

 private:
  absl::StatusOr<bool> Find(const v1::GetRequest& request);
  // False for a hole, and for what lies behind one in ascending order.
  bool Settled(size_t item);
  absl::Status CopyOne(const BlockRef& block, const RegionPlace& place) const;

  // Where a block came from and how that went.
  struct Found {
    absl::StatusOr<BlockRef> block = absl::NotFoundError("not looked for");
    bool from_ssd = false;
  };

  ShmEnvironment& environment_;
  // gRPC does not wait for what happens after the answer; the server's end does. Before everything
  // that holds a block, so that it goes after it.
  const InFlight::Hold under_way_;
  const ShmSessionRef session_;
  std::optional<GetPlan> plan_;
  std::vector<Found> found_;  // by item
  std::vector<size_t> missing_;
  InFlight::Hold reading_;
  absl::Duration duration_;
  size_t prefix_items_ = 0;  // leading ones that are there
  bool answered_ = false;    // with blocks, however many
};

// Start, Read and Copy [I/O].
absl::Status RunCopy(LeaseCall& call, const v1::CopyBlocksRequest& request,
                     v1::CopyBlocksResponse& response);

}  // namespace halflife
