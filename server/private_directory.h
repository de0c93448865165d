#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"

namespace halflife {

// Makes sure that `path` is a directory. Missing directories are created: parents with 0755, the
// last one with `mode` whatever the umask says. One that exists is left as it is. Returns:
// kUnavailable naming the path and the reason.
absl::Status EnsureDirectory(const std::string& path, mode_t mode);

// Whether any user of the machine may rename or remove what lies in `path`: for a socket, put an
// own one in its place.
bool AnybodyMayReplaceFilesIn(const std::string& path);

}  // namespace halflife
