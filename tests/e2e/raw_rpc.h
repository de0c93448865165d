#pragma once

#include <memory>
#include <string>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>
#include "absl/time/time.h"

namespace halflife::e2e {

// A connection of its own to a daemon, without the client library: for probes, for what the library
// would never send, and for what it would never do. Connects again within 50 ms after an outage.
std::shared_ptr<grpc::Channel> Connect(const std::string& endpoint);

struct RawReply {
  grpc::Status status;
  std::vector<std::string> messages;
};

// Sends `requests` as they are, half-closes, and reads to the end. Fits unary, client- and
// server-streaming methods alike, because they look the same on the wire.
RawReply RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 const std::vector<std::string>& requests,
                 absl::Duration budget = absl::Seconds(10));

// Health of the service "readiness".
bool Ready(const std::shared_ptr<grpc::Channel>& channel, absl::Duration budget);

// Invariant 4 as the daemon sees it; empty if everything adds up. The daemon must be idle.
std::string ConservationDifference(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace halflife::e2e
