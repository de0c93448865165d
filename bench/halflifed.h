#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/server_process.h"

namespace halflife::bench {

// A directory under $TMPDIR, or /tmp, which goes with it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A halflifed with its sockets.
struct Halflifed {
  std::string unix_endpoint, tcp_endpoint;
  std::unique_ptr<ServerProcess> process;  // null if it did not start

  struct Options {
    std::string build;      // directory of the binary
    std::string directory;  // for socket and log
    std::string name = "halflife";
    std::vector<std::string> flags = {};
  };
  // `ready` decides when it is ready; empty: when it accepts connections.
  static Halflifed Start(const Options& options, const std::function<bool()>& ready = {});
};

// "127.0.0.1:port", free a moment ago.
std::string FreeTcpEndpoint();

}  // namespace halflife::bench
