#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "halflife/v1/admin.pb.h"

namespace halflife::tools {

// The control plane of one daemon: AdminService and gRPC health. Every call has a deadline.
// Thread-safe.
//
// Statuses are the daemon's own; kUnavailable if there is none at the endpoint, kDeadlineExceeded
// if it does not answer.
class DaemonConnection {
 public:
  enum class Health { kServing, kNotServing };

  // `endpoint` as in client::Options. Does not connect.
  explicit DaemonConnection(const std::string& endpoint,
                            absl::Duration deadline = absl::Seconds(5));
  ~DaemonConnection();

  absl::StatusOr<v1::GetStatsResponse> GetStats();
  absl::StatusOr<v1::ListNamespacesResponse> ListNamespaces();
  absl::StatusOr<v1::GetConfigResponse> GetConfig();
  // `refresh`: have it computed now.
  absl::StatusOr<v1::GetModelResponse> GetModel(bool refresh);
  absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request);
  absl::StatusOr<v1::ListMissesResponse> ListMisses(uint32_t limit);
  // All messages, in order; at most about 20 MB.
  absl::StatusOr<std::vector<v1::ExportRequestsResponse>> ExportRequests();
  // `service` is "liveness" or "readiness". Returns: kNotFound if the daemon does not know it.
  absl::StatusOr<Health> Check(const std::string& service);
  // The same, but waits up to `wait` until there is a daemon at the endpoint.
  absl::StatusOr<Health> CheckWhenThere(const std::string& service, absl::Duration wait);

 private:
  struct Impl;
  const absl::Duration deadline_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace halflife::tools
