#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace halflife::bench {

// What a process has used since it began.
struct Usage {
  double cpu_s = 0;  // user and system, all threads
  uint64_t page_faults = 0;
};
Usage OwnUsage();

// A server that the benchmark started, and stops. It dies with the benchmark.
class ServerProcess {
 public:
  // Output goes to `log_path`. Null, with a message on stderr, if it does not start or `ready` does
  // not become true within 30 s.
  static std::unique_ptr<ServerProcess> Start(const std::vector<std::string>& command,
                                              const std::string& log_path,
                                              const std::function<bool()>& ready);
  // SIGTERM, and SIGKILL after 20 s.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // For a process that a signal has stopped.
  void Kill() const;

  pid_t pid() const { return pid_; }
  Usage usage() const;

 private:
  explicit ServerProcess(pid_t pid);
  // Returns true if it has ended within `milliseconds`.
  bool EndedWithin(int milliseconds) const;

  const pid_t pid_;
  const int pid_fd_;
};

}  // namespace halflife::bench
