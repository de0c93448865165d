#include <sys/un.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "common/status.h"
#include "proto/wire/limit_check.h"
#include "server/rpc/rpc_server.h"

namespace halflife {
namespace {

constexpr int kMaxStreamsPerConnection = 128;
constexpr int kMaxConnections = 8192;

absl::Status CheckBetween(absl::string_view name, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", value, ", expected ", min, " to ", max));
}

absl::Status CheckPositive(absl::string_view name, absl::Duration value) {
  if (value > absl::ZeroDuration() && value < absl::InfiniteDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is ", absl::FormatDuration(value), ", expected a positive time"));
}

}  // namespace

absl::Status RpcServer::Options::Validate() const {
  if (unix_path.empty() && tcp_address.empty()) {
    return absl::InvalidArgumentError(
        "unix_path and tcp_address are both empty: nothing to listen on");
  }
  HL_RETURN_IF_ERROR(
      CheckAtMost("length of unix_path", unix_path.size(), sizeof(sockaddr_un::sun_path) - 1));
  HL_RETURN_IF_ERROR(
      CheckAtLeast("max_inflight_get_bytes", max_inflight_get_bytes, kMinBlockBytes));
  HL_RETURN_IF_ERROR(
      CheckAtLeast("max_inflight_put_bytes", max_inflight_put_bytes, kMinBlockBytes));
  HL_RETURN_IF_ERROR(CheckBetween("max_streams_per_connection", max_streams_per_connection, 1,
                                  kMaxStreamsPerConnection));
  HL_RETURN_IF_ERROR(CheckBetween("max_connections", max_connections, 1, kMaxConnections));
  HL_RETURN_IF_ERROR(CheckPositive("default_deadline", default_deadline));
  HL_RETURN_IF_ERROR(CheckPositive("max_deadline", max_deadline));
  HL_RETURN_IF_ERROR(CheckPositive("stall_timeout", stall_timeout));
  if (min_put_grace < absl::ZeroDuration() || min_put_grace > kMaxDeadline) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_put_grace is ", absl::FormatDuration(min_put_grace), ", expected 0 to ",
                     absl::FormatDuration(kMaxDeadline)));
  }
  HL_RETURN_IF_ERROR(CheckPositive("keepalive_time", keepalive_time));
  HL_RETURN_IF_ERROR(CheckPositive("keepalive_timeout", keepalive_timeout));
  if (default_deadline <= max_deadline) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("default_deadline is ", absl::FormatDuration(default_deadline),
                   ", at most max_deadline ", absl::FormatDuration(max_deadline)));
}

}  // namespace halflife
