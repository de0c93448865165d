#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace halflife {

// A client in a process of its own, so that it can be stopped and killed: this test binary, started
// again in a role (shm_client_process.cc). Killed at the end if it still runs.
class ShmClientProcess {
 public:
  // "hold": takes views of a chain, says so and waits. "read": for each Go, gets the chain without
  // verification and stands still in the middle of the copy; ends with exit code 0 if no kOk ever
  // came with wrong bytes.
  ShmClientProcess(const std::string& role, const std::string& endpoint);
  ~ShmClientProcess();

  // The next line it says; empty if it ended.
  std::string NextLine();
  // Skips lines until it says this one; false if it ended instead.
  bool Hears(const std::string& line);
  void Go();
  // Waits until the process has stopped itself.
  void AwaitStop();
  void Continue();
  void Kill();
  // Closes its standard input, which ends every role. Returns the exit code, or 128 + signal.
  int Finish();

 private:
  pid_t pid_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
};

// The chain that the roles read: put it first.
inline constexpr uint32_t kRoleChain = 77;
inline constexpr uint32_t kRoleBlocks = 4;
inline constexpr uint64_t kRoleBlockBytes = uint64_t{1} << 20;

}  // namespace halflife
