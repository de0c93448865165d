#pragma once

#include <string>

#include "halflife/client.h"

namespace halflife::tools {

// Tells a person why a call of the client library did not succeed, and returns the exit code. The
// library says no more than its outcome, so a daemon that was not available is asked for its
// health. `error` is the result's. kExitOk for kOk.
int FailCall(const std::string& endpoint, client::Outcome outcome, const std::string& error = "");

}  // namespace halflife::tools
