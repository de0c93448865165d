#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

namespace halflife {

// gRPC server reflection, v1alpha: what grpcurl and grpc_cli ask before they can call anything.
// `services` are the full names that it lists; files and symbols are those of this program.
//
// The one that comes with gRPC 1.51 is a synchronous service: a queue and a thread of its own,
// which takes part in polling for all others and costs a look-up a tenth of the daemon's processor
// time (bench/README.md).
std::unique_ptr<grpc::Service> MakeReflectionService(std::vector<std::string> services);

}  // namespace halflife
