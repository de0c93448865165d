#pragma once

#include <functional>

#include "common/executor.h"
#include "halflife/v1/admin.grpc.pb.h"
#include "server/admin/node_facts.h"
#include "server/admin/sample_stream.h"
#include "storage/block_store.h"

namespace halflife {

// AdminService over the parts of one node. What only an owner may ask (Drain, CheckConservation,
// and what tells about requests of every tenant) is answered on the Unix socket alone: a TCP port
// of this version knows no identities. Thread-safe.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  // All borrowed things outlive the service. Blocking work runs on `io`.
  struct Parts {
    BlockStore* store = nullptr;
    Executor* io = nullptr;
    CollectNodeFacts collect;
    std::function<void()> request_drain;  // returns at once
  };

  // Blocks in one Explain.
  static constexpr uint32_t kMaxExplainedBlocks = 128;
  static constexpr uint32_t kDefaultMisses = 100;

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
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const v1::ExplainRequest* request,
                                    v1::ExplainResponse* response) override;
  grpc::ServerUnaryReactor* ListMisses(grpc::CallbackServerContext* context,
                                       const v1::ListMissesRequest* request,
                                       v1::ListMissesResponse* response) override;
  grpc::ServerWriteReactor<v1::ExportRequestsResponse>* ExportRequests(
      grpc::CallbackServerContext* context, const v1::ExportRequestsRequest* request) override;

 private:
  // Runs `work` on the I/O executor, then ends the call. RESOURCE_EXHAUSTED if the executor's queue
  // is full.
  grpc::ServerUnaryReactor* RunOnIo(grpc::CallbackServerContext* context,
                                    std::function<void()> work);

  const Parts parts_;
  const SampleStream::OpenStreams exports_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace halflife
