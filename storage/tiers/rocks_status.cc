#include "storage/tiers/rocks_status.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
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
  // RocksDB knows ENOSPC, but EDQUOT only by its text.
  const bool over_quota = status.IsIOError() && absl::StrContains(message, std::strerror(EDQUOT));
  if (status.IsNoSpace() || status.IsMemoryLimit() || over_quota) {
    return absl::ResourceExhaustedError(message);
  }
  if (status.IsIncomplete() || status.IsBusy() || status.IsTryAgain() || status.IsTimedOut()) {
    return absl::AbortedError(message);
  }
  return absl::UnavailableError(message);
}

}  // namespace halflife
