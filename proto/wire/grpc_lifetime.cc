#include "proto/wire/grpc_lifetime.h"

#include <grpc/grpc.h>

namespace halflife {

void KeepGrpcInitialised() { [[maybe_unused]] static const bool once = (grpc_init(), true); }

}  // namespace halflife
