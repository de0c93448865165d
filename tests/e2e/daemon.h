#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace halflife::e2e {

// The halflifed to test: $HALFLIFED, else the one beside this program.
std::string DaemonBinary();

// One real halflifed as a child process, again and again on the same directory. Dies with the
// thread that launched it (PR_SET_PDEATHSIG), so launch it from the main thread. Not thread-safe,
// but for the accessors and Signal, which any thread may call while no other launches or reaps.
//
// (Launch WaitReady Signal* (Terminate | Kill | WaitExit))*
class Daemon {
 public:
  struct Options {
    std::string directory;  // exists; gets the socket, the log and ssd/
    uint64_t dram_bytes = uint64_t{64} << 20;
    uint64_t ssd_quota_bytes = uint64_t{256} << 20;  // 0 = no SSD tier
    std::vector<std::string> flags = {};             // further ones; of two, the last wins
  };

  explicit Daemon(Options options);
  ~Daemon();  // SIGKILL if it still runs
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Starts the process and returns. `kill_point` is "name" or "name:n", see common/killpoint.h;
  // empty = none. Returns: kInternal if it runs already or cannot be started.
  absl::Status Launch(std::string_view kill_point = "");
  // Returns: kUnavailable with the end of the log if it ends, kDeadlineExceeded if it is not ready
  // in time.
  absl::Status WaitReady(absl::Duration limit = absl::Seconds(30));
  // Launch and WaitReady.
  absl::Status Start();

  void Signal(int signal);
  // SIGSTOP; returns when no thread of it runs any more. Signal(SIGCONT) lets it go on.
  void Stop();
  // Status of waitpid of the run that ended last.
  int last_exit() const { return last_exit_; }
  // Reaps it. The status of waitpid; nullopt if it still runs after `limit`.
  std::optional<int> WaitExit(absl::Duration limit);
  // SIGKILL and reap.
  void Kill();
  // SIGTERM and reap. Returns: kDeadlineExceeded, or kInternal if it does not exit with 0.
  absl::Status Terminate(absl::Duration limit = absl::Seconds(60));
  // Returns early, with true, if the process ends within `limit`. The way to let time pass in a
  // test of a daemon.
  bool EndsWithin(absl::Duration limit);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  std::string endpoint() const { return "unix://" + socket_path(); }
  std::string socket_path() const { return options_.directory + "/d.sock"; }
  std::string ssd_directory() const { return options_.directory + "/ssd"; }
  std::string log_path() const { return options_.directory + "/halflifed.log"; }
  // VmRSS: private, file and shared pages in memory now. 0 if it does not run.
  uint64_t ResidentBytes() const;
  // Of its HTTP port, as the log says; 0 if it has none yet.
  int AdminPort() const;
  std::string LogTail(size_t bytes = 4096) const;

 private:
  std::vector<std::string> Arguments() const;

  const Options options_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  int last_exit_ = 0;
};

// "exit code 1", "signal 6".
std::string DescribeExit(int wait_status);

}  // namespace halflife::e2e
