#pragma once

namespace halflife::tools {

// What `halflife` tells its caller. Documented in `halflife --help`.
enum ExitCode : int {
  kExitOk = 0,
  kExitNotThere = 1,     // a miss, something not found, an unhealthy daemon
  kExitUsage = 2,        // bad arguments or bad input
  kExitUnavailable = 3,  // no daemon at the endpoint, or it does not answer
  kExitWrongBytes = 4,   // a daemon returned bytes that nobody put
  kExitFailed = 5,       // anything else: refused, no room, output not written
};

}  // namespace halflife::tools
