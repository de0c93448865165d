#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/file_descriptor.h"
#include "tests/server/node/scratch.h"

namespace halflife {

// halflifed of the same build as a child process, with a notification socket as systemd would give
// it, so that tests wait for what happens and never for time to pass. Killed at the end if it still
// runs.
class DaemonProcess {
 public:
  // Empty if the daemon was not built.
  static std::string Binary();

  // `arguments` without the program; `environment` in place of the test's own.
  explicit DaemonProcess(std::vector<std::string> arguments,
                         std::vector<std::string> environment = {});
  ~DaemonProcess();

  // The next notification of the daemon ("READY=1"), or "" if it ended or none came within half a
  // minute.
  std::string NextNotification();
  // Waits for the end. Returns the exit code, or 128 + signal.
  int WaitExit();
  void Signal(int signal);

  pid_t pid() const { return pid_; }
  // What it wrote to standard output and error so far.
  std::string Output() const { return ReadText(scratch_ / "out"); }

 private:
  Scratch scratch_;
  FileDescriptor notifications_;
  pid_t pid_ = -1;
};

}  // namespace halflife
