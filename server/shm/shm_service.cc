#include "server/shm/shm_service.h"

#include <memory>
#include <utility>

#include "common/status.h"
#include "proto/wire/grpc_status.h"
#include "server/rpc/rpc_environment.h"
#include "server/shm/commit_call.h"
#include "server/shm/lease_call.h"

namespace halflife {

void ShmService::Finish(grpc::ServerUnaryReactor* reactor, const absl::Status& status) {
  if (!status.ok()) environment_.refused_calls.fetch_add(1, std::memory_order_relaxed);
  reactor->Finish(ToGrpcStatus(status));
}

absl::StatusOr<ShmSessionRef> ShmService::SessionOf(const std::string& token) const {
  if (environment_.draining) return DrainingError();
  ShmSessionRef session = environment_.sessions.Find(token);
  if (session == nullptr) return absl::UnauthenticatedError("the session is gone");
  return session;
}

grpc::ServerUnaryReactor* ShmService::DescribeSharedMemory(
    grpc::CallbackServerContext* context, const v1::DescribeSharedMemoryRequest* /*request*/,
    v1::DescribeSharedMemoryResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (!environment_.draining) response->set_socket_name(socket_name_);
  Finish(reactor, absl::OkStatus());
  return reactor;
}

grpc::ServerUnaryReactor* ShmService::LeaseBlocks(grpc::CallbackServerContext* context,
                                                  const v1::LeaseBlocksRequest* request,
                                                  v1::LeaseBlocksResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<ShmSessionRef> session = SessionOf(request->session());
  if (!session.ok()) {
    Finish(reactor, session.status());
    return reactor;
  }
  auto call = std::make_shared<LeaseCall>(environment_, *session);
  const absl::StatusOr<bool> at_hand = call->Start(*request);
  if (!at_hand.ok()) {
    Finish(reactor, at_hand.status());
  } else if (*at_hand) {
    Finish(reactor, call->Promise(*response));
    call->Settle();
  } else {
    const bool queued = environment_.io.Submit([this, call, reactor, response] {
      call->Read();
      Finish(reactor, call->Promise(*response));
      call->Settle();
    });
    if (!queued) Finish(reactor, absl::ResourceExhaustedError("I/O queue is full"));
  }
  return reactor;
}

grpc::ServerUnaryReactor* ShmService::CopyBlocks(grpc::CallbackServerContext* context,
                                                 const v1::CopyBlocksRequest* request,
                                                 v1::CopyBlocksResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<ShmSessionRef> session = SessionOf(request->session());
  if (!session.ok()) {
    Finish(reactor, session.status());
    return reactor;
  }
  const auto call = std::make_shared<LeaseCall>(environment_, *session);
  const bool queued = environment_.io.Submit([this, call, reactor, request, response] {
    Finish(reactor, RunCopy(*call, *request, *response));
    call->Settle();
  });
  if (!queued) Finish(reactor, absl::ResourceExhaustedError("I/O queue is full"));
  return reactor;
}

grpc::ServerUnaryReactor* ShmService::CommitBlocks(grpc::CallbackServerContext* context,
                                                   const v1::CommitBlocksRequest* request,
                                                   v1::CommitBlocksResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<ShmSessionRef> session = SessionOf(request->session());
  if (!session.ok()) {
    Finish(reactor, session.status());
    return reactor;
  }
  const auto call = std::make_shared<CommitCall>(
      environment_, *session,
      [this, reactor, response](const absl::Status& status,
                                const v1::CommitBlocksResponse& answer) {
        *response = answer;
        Finish(reactor, status);
      });
  call->Start(*request);
  return reactor;
}

grpc::ServerUnaryReactor* ShmService::ReleaseLeases(grpc::CallbackServerContext* context,
                                                    const v1::ReleaseLeasesRequest* request,
                                                    v1::ReleaseLeasesResponse* /*response*/) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::StatusOr<ShmSessionRef> session = SessionOf(request->session());
  if (session.ok()) {
    for (const LeaseId lease : request->leases()) {
      static_cast<void>(environment_.store.Release(lease));
    }
  }
  Finish(reactor, session.status());
  return reactor;
}

}  // namespace halflife
