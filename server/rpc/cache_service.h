#pragma once

#include <memory>

#include "server/rpc/rpc_environment.h"

namespace grpc {
class Service;
}

namespace halflife {

// CacheService on gRPC's callback API, all methods on raw bytes: malformed requests are answered in
// our words, and payload never passes through protobuf. Thread-safe.
std::unique_ptr<grpc::Service> MakeCacheService(RpcEnvironmentRef environment);

}  // namespace halflife
