#pragma once

#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_unary_call.h>

#include <cstdint>
#include <deque>
#include <memory>

#include "client/src/shm_path.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {

// CommitBlocks calls of one Put, one after the other, so that the next batch is staged while the
// last one is committed. On a completion queue of its own, which the caller's thread polls: an
// answer costs no hop between threads. One thread at a time.
class ShmCommits {
 public:
  struct Answer {
    grpc::Status status;
    v1::CommitBlocksResponse response;
  };

  // Borrows the visit.
  explicit ShmCommits(ShmPath::Visit& visit) : visit_(visit) {}
  // Cancels what is under way and waits for its end.
  ~ShmCommits();

  // False if the client is ending.
  bool Start(const v1::CommitBlocksRequest& request);
  size_t under_way() const { return calls_.size(); }
  // Of the oldest call. Its deadline is the visit's. Requires: under_way() > 0.
  Answer Wait();

 private:
  struct Call {
    std::shared_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<v1::CommitBlocksResponse>> reader;
    Answer answer;
    bool done = false;
  };

  ShmPath::Visit& visit_;
  grpc::CompletionQueue queue_;
  std::deque<std::unique_ptr<Call>> calls_;
};

}  // namespace halflife::client
