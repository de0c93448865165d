#pragma once

#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "client/src/polled_calls.h"
#include "client/src/shm_line.h"
#include "client/src/shm_path.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {

// CommitBlocks calls of one Put, one after the other, so that the next batch is staged while the
// last one is committed. Each on a line of its own, or by gRPC where there is none. One thread at a
// time.
class ShmCommits {
 public:
  struct Answer {
    absl::Status status;
    v1::CommitBlocksResponse response;
  };

  // Borrows the visit.
  explicit ShmCommits(ShmPath::Visit& visit) : visit_(visit), polled_(visit) {}
  // Waits for the end of what is under way, or cuts it off.
  ~ShmCommits();

  // False if the client is ending.
  bool Start(const v1::CommitBlocksRequest& request);
  size_t under_way() const { return lines_.size(); }
  // Of the oldest call. Its deadline is the visit's. Requires: under_way() > 0.
  Answer Wait();

 private:
  ShmPath::Visit& visit_;
  PolledCalls<v1::CommitBlocksResponse> polled_;
  std::deque<std::shared_ptr<ShmLine>> lines_;  // one per call; null: by gRPC
};

}  // namespace halflife::client
