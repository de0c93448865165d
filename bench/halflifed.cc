#include "bench/halflifed.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "bench/socket.h"

namespace halflife::bench {

ScratchDirectory::ScratchDirectory() {
  const char* const parent = std::getenv("TMPDIR");
  path_ = std::string(parent != nullptr ? parent : "/tmp") + "/halflife-bench-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) {
    std::perror(path_.c_str());
    std::exit(1);
  }
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string FreeTcpEndpoint() {
  const FileDescriptor fd = Listen("127.0.0.1:0");
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

Halflifed Halflifed::Start(const Options& options, const std::function<bool()>& ready) {
  const std::string socket = options.directory + "/" + options.name + ".sock";
  Halflifed daemon{"unix://" + socket, FreeTcpEndpoint(), nullptr};
  std::vector<std::string> command = {
      options.build + "/halflifed", "--server.unix_socket", socket,       "--server.tcp_listen",
      daemon.tcp_endpoint,          "--admin.listen",       "127.0.0.1:0"};
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  daemon.process = ServerProcess::Start(
      command, options.directory + "/" + options.name + ".log",
      ready ? ready : [&daemon] { return bool{Connect(daemon.unix_endpoint)}; });
  return daemon;
}

}  // namespace halflife::bench
