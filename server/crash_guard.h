#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"

namespace halflife {

// Notices a crash loop, so that a damaged data directory cannot keep the whole daemon down:
// remembers the starts that no clean stop followed in a small file of the directory. Not
// thread-safe.
class CrashGuard {
 public:
  static constexpr absl::Duration kWindow = absl::Seconds(60);

  // Records this start. `limit`: so many earlier starts within kWindow trip the guard; 0 = never.
  // Returns: kUnavailable if the file cannot be written.
  static absl::StatusOr<CrashGuard> Begin(const std::string& path, int64_t limit,
                                          const Clock& clock);

  // True if this start follows a crash loop.
  bool tripped() const { return tripped_; }

  // The stop is a clean one: forgets all starts.
  absl::Status MarkClean();

 private:
  CrashGuard(std::string path, bool tripped) : path_(std::move(path)), tripped_(tripped) {}

  std::string path_;
  bool tripped_ = false;
};

}  // namespace halflife
