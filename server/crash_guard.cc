#include "server/crash_guard.h"

#include <fstream>
#include <vector>

#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

// Enough for the largest limit.
constexpr size_t kMaxStarts = 100;

// Nanoseconds of CLOCK_MONOTONIC: comparable between processes until the machine boots again. After
// a boot old values lie in the future and do not count. Whatever does not read as a number ends the
// list.
std::vector<int64_t> RecentStarts(const std::string& path, int64_t now_ns) {
  std::ifstream file(path);
  std::vector<int64_t> starts;
  for (int64_t start = 0; starts.size() < kMaxStarts && file >> start;) {
    if (start <= now_ns && now_ns - start <= absl::ToInt64Nanoseconds(CrashGuard::kWindow))
      starts.push_back(start);
  }
  return starts;
}

absl::Status WriteStarts(const std::string& path, const std::vector<int64_t>& starts) {
  std::ofstream file(path, std::ios::trunc);
  for (const int64_t start : starts) file << start << "\n";
  file.close();
  if (!file) return absl::UnavailableError(StrCat(path, ": cannot be written"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CrashGuard> CrashGuard::Begin(const std::string& path, int64_t limit,
                                             const Clock& clock) {
  const int64_t now_ns = clock.NowNanos();
  std::vector<int64_t> starts = RecentStarts(path, now_ns);
  const bool tripped = limit > 0 && static_cast<int64_t>(starts.size()) >= limit;
  if (starts.size() == kMaxStarts) starts.erase(starts.begin());
  starts.push_back(now_ns);
  HL_RETURN_IF_ERROR(WriteStarts(path, starts));
  return CrashGuard(path, tripped);
}

absl::Status CrashGuard::MarkClean() { return WriteStarts(path_, {}); }

}  // namespace halflife
