#pragma once

#include <string>

#include "halflife/v1/shared_memory.grpc.pb.h"
#include "server/shm/shm_environment.h"

namespace halflife {

// SharedMemoryService: sessions are looked up here, what a call does is in LeaseCall and
// CommitCall. Calls with work for the disk run on the I/O executor, the others on gRPC's threads.
// Thread-safe.
class ShmService final : public v1::SharedMemoryService::CallbackService {
 public:
  // `socket_name` is what clients are told. Borrows `environment`.
  ShmService(ShmEnvironment& environment, std::string socket_name)
      : environment_(environment), socket_name_(std::move(socket_name)) {}

  grpc::ServerUnaryReactor* DescribeSharedMemory(
      grpc::CallbackServerContext* context, const v1::DescribeSharedMemoryRequest* request,
      v1::DescribeSharedMemoryResponse* response) override;
  grpc::ServerUnaryReactor* LeaseBlocks(grpc::CallbackServerContext* context,
                                        const v1::LeaseBlocksRequest* request,
                                        v1::LeaseBlocksResponse* response) override;
  grpc::ServerUnaryReactor* CopyBlocks(grpc::CallbackServerContext* context,
                                       const v1::CopyBlocksRequest* request,
                                       v1::CopyBlocksResponse* response) override;
  grpc::ServerUnaryReactor* CommitBlocks(grpc::CallbackServerContext* context,
                                         const v1::CommitBlocksRequest* request,
                                         v1::CommitBlocksResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseLeases(grpc::CallbackServerContext* context,
                                          const v1::ReleaseLeasesRequest* request,
                                          v1::ReleaseLeasesResponse* response) override;

 private:
  void Finish(grpc::ServerUnaryReactor* reactor, const absl::Status& status);
  // Returns: kUnavailable while draining, kUnauthenticated if the session is gone.
  absl::StatusOr<ShmSessionRef> SessionOf(const std::string& token) const;

  ShmEnvironment& environment_;
  const std::string socket_name_;
};

}  // namespace halflife
