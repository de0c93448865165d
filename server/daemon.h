#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "common/config/effective_config.h"

namespace halflife {

// The life of the halflifed process from a good configuration to its exit code: starts a Node,
// tells the service manager, and turns signals into drain (SIGTERM, SIGINT), reload (SIGHUP) and a
// dump of the state to the log (SIGUSR1). `load_config` reads all sources anew; it is called again
// for every reload. Call it once, from the main thread, before any other thread exists. Returns the
// exit code (exit_code.h).
int RunDaemon(const EffectiveConfig& config,
              const std::function<absl::StatusOr<EffectiveConfig>()>& load_config);

}  // namespace halflife
