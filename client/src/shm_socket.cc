#include "client/src/shm_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "common/status.h"

namespace halflife::client {

absl::StatusOr<FileDescriptor> ConnectToDoor(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    return absl::InvalidArgumentError("shared memory: the socket's path is too long");
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  FileDescriptor connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // A full backlog is an error here, and a reason to try again later.
  if (!connection ||
      connect(connection.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    return absl::UnavailableError(
        absl::StrCat("shared memory: ", path, ": ", std::strerror(errno)));
  }
  return connection;
}

absl::StatusOr<PassedMessage> AwaitMessage(int connection, int milliseconds) {
  pollfd waits[] = {{.fd = connection, .events = POLLIN, .revents = 0}};
  if (poll(waits, 1, milliseconds) != 1) {
    return absl::UnavailableError("shared memory: no answer");
  }
  return ReceiveMessage(connection);
}

}  // namespace halflife::client
