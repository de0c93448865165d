#pragma once

#include "absl/status/status.h"

namespace halflife {

// What halflifed says to whoever started it. docs/operations.md.
inline constexpr int kExitOk = 0;
inline constexpr int kExitBadConfig = 2;  // do not restart: a person must change something
inline constexpr int kExitInUse = 3;  // another process holds the directory, the socket or the port
inline constexpr int kExitCannotStart = 4;  // the machine does not allow it now
inline constexpr int kExitCutShort = 143;   // a second SIGTERM while draining (128 + 15)

inline int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitBadConfig;
    case absl::StatusCode::kAlreadyExists:
      return kExitInUse;
    default:
      return kExitCannotStart;
  }
}

}  // namespace halflife
