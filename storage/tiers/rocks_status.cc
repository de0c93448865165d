#include "storage/tiers/rocks_status.h"

#include "common/strings.h"
#include "rocksdb/status.h"

namespace halflife {

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = StrCat(what, ": ", status.ToString());
  if (status.IsNotFound()) return absl::NotFoundError(message);
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() ||
      status.IsNotSupported()) {
    return absl::DataLossError(message);
  }
  if (status.IsNoSpace() || status.IsMemoryLimit()) return absl::ResourceExhaustedError(message);
  if (status.IsIncomplete() || status.IsBusy() || status.IsTryAgain() || status.IsTimedOut()) {
    return absl::AbortedError(message);
  }
  return absl::UnavailableError(message);
}

}  // namespace halflife
