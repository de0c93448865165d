#include "common/replay_clock.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/file_descriptor.h"
#include "common/log.h"
#include "common/status.h"

namespace halflife {
namespace {

static_assert(std::atomic<int64_t>::is_always_lock_free, "it is shared between processes");

absl::Status Failed(const std::string& path) {
  return absl::UnavailableError(absl::StrCat("replay clock ", path, ": ", strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ReplayClock>> ReplayClock::Open(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ftruncate(file.get(), sizeof(std::atomic<int64_t>)) != 0) return Failed(path);
  void* const mapped = mmap(nullptr, sizeof(std::atomic<int64_t>), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return Failed(path);
  auto* const now_ns = static_cast<std::atomic<int64_t>*>(mapped);
  int64_t untouched = 0;
  now_ns->compare_exchange_strong(untouched, kStartNs);
  return std::unique_ptr<ReplayClock>(new ReplayClock(now_ns));
}

ReplayClock::~ReplayClock() { munmap(now_ns_, sizeof *now_ns_); }

void ReplayClock::MoveTo(double elapsed_s) {
  const int64_t to_ns = kStartNs + std::llround(elapsed_s * 1e9);
  int64_t now_ns = now_ns_->load(std::memory_order_relaxed);
  while (now_ns < to_ns && !now_ns_->compare_exchange_weak(now_ns, to_ns)) {
  }
}

absl::StatusOr<const Clock*> StoreClock() {
#ifdef HL_TEST_HOOKS
  if (const char* const path = std::getenv("HALFLIFE_REPLAY_CLOCK"); path != nullptr) {
    static const auto* const clock = new auto(ReplayClock::Open(path));  // while the process runs
    HL_RETURN_IF_ERROR(clock->status());
    Log(Severity::kWarning, "clock", absl::StrCat("time is that of the replay at ", path));
    return clock->value().get();
  }
#endif
  return &Clock::Real();
}

}  // namespace halflife
