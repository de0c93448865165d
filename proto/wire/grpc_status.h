#pragma once

#include <optional>

#include <grpcpp/support/status.h>
#include "absl/status/status.h"
#include "absl/time/time.h"

namespace halflife {

// The one conversion between the two status types; codes are numbered alike. A kResourceExhausted
// status with a retry delay carries it as google.rpc.RetryInfo.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

// "Not now, try again after `delay`". FromGrpcStatus keeps it; nullopt if there is none.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace halflife
