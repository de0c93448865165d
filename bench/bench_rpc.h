#pragma once

#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include "client/include/halflife/client.h"
#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::bench {

// A connection of its own, without the client library. "unix:///path" or "host:port".
std::shared_ptr<grpc::Channel> BenchChannel(const std::string& endpoint);

// Opens it at the daemon. Its id; empty if that failed.
std::string OpenBenchNamespace(v1::CacheService::Stub& stub, const client::Namespace& ns);

}  // namespace halflife::bench
