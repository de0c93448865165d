#pragma once

#include <functional>

#include "common/executor.h"
#include "halflife/v1/admin.grpc.pb.h"
#include "server/admin/node_facts.h"
#include "storage/block_store.h"

namespace halflife {

// AdminService over the parts of one node. What only an owner may ask (Drain, CheckConservation) is
// answered on the Unix socket alone: a TCP port of this version knows no identities. Thread-safe.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  // All borrowed things outlive the service. Blocking work runs on `io`.
  struct Parts {
    BlockStore* store = nullptr;
    Executor* io = nullptr;
    CollectNodeFacts collect;
    std::function<void()> request_drain;  // returns at once
  };

  explicit AdminService(Parts parts) : parts_(std::move(parts)) {}

  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const v1::GetStatsRequest* request,
                                     v1::GetStatsResponse* response) override;
  grpc::ServerUnaryReactor* ListNamespaces(grpc::CallbackServerContext* context,
                                           const v1::ListNamespacesRequest* request,
                                           v1::ListNamespacesResponse* response) override;
  grpc::ServerUnaryReactor* GetConfig(grpc::CallbackServerContext* context,
                                      const v1::GetConfigRequest* request,
                                      v1::GetConfigResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const v1::DrainRequest* request,
                                  v1::DrainResponse* response) override;
  grpc::ServerUnaryReactor* CheckConservation(grpc::CallbackServerContext* context,
                                              const v1::CheckConservationRequest* request,
                                              v1::CheckConservationResponse* response) override;

 private:
  // Runs `work` on the I/O executor, then ends the call. RESOURCE_EXHAUSTED if the executor's queue
  // is full.
  grpc::ServerUnaryReactor* RunOnIo(grpc::CallbackServerContext* context,
                                    std::function<void()> work);

  const Parts parts_;
};

}  // namespace halflife
