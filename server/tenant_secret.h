#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/block/block_key.h"

namespace halflife {

// Where the secret comes from, by configuration.
struct TenantSecretSource {
  std::string file;          // security.secret_file; empty = the file below
  std::string default_file;  // "<ssd directory>/tenant.secret", made when missing; empty = random,
                             // in memory only
};

// Returns: kInvalidArgument naming the file and the remedy if it is missing (when configured), not
// a regular file of 32 bytes, of another owner, or open to others; kUnavailable if the default file
// cannot be made or read.
absl::StatusOr<TenantSecret> LoadTenantSecret(const TenantSecretSource& source);

}  // namespace halflife
