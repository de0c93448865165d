#include "tests/e2e/cpu_wait.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace halflife::e2e {

CpuWait::CpuWait(pid_t process) : process_(process != 0 ? process : getpid()), before_(Read()) {}

CpuWait::ByThread CpuWait::Read() const {
  ByThread waits;
  std::error_code gone;
  const std::string tasks = "/proc/" + std::to_string(process_) + "/task";
  for (std::filesystem::directory_iterator task(tasks, gone), end; !gone && task != end;
       task.increment(gone)) {
    const std::string name = task->path().filename();
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    int64_t ran_ns = 0, waited_ns = 0;
    if (std::ifstream(task->path() / "schedstat") >> ran_ns >> waited_ns) {
      waits.emplace(thread, absl::Nanoseconds(waited_ns));
    }
  }
  return waits;
}

CpuWait::ByThread CpuWait::Since() const {
  ByThread waits = Read();
  for (auto& [thread, waited] : waits) {
    const auto before = before_.find(thread);
    if (before != before_.end()) waited -= before->second;
  }
  return waits;
}

absl::Duration CpuWait::OwnAndOneOther() const {
  absl::Duration own, longest_other;
  for (const auto& [thread, waited] : Since()) {
    if (thread == gettid()) {
      own = waited;
    } else {
      longest_other = std::max(longest_other, waited);
    }
  }
  return own + longest_other;
}

absl::Duration CpuWait::OfAll() const {
  absl::Duration all;
  for (const auto& [thread, waited] : Since()) all += waited;
  return all;
}

}  // namespace halflife::e2e
