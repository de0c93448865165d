#pragma once

#include "absl/status/status.h"
#include "client/include/halflife/client.h"

namespace halflife::client {

// Returns: kInvalidArgument naming the option and its bounds.
absl::Status CheckOptions(const Options& options);

}  // namespace halflife::client
