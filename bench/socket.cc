#include "bench/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace halflife::bench {
namespace {

constexpr char kUnix[] = "unix://";

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;
};

Address AddressOf(const std::string& endpoint) {
  Address address;
  if (endpoint.rfind(kUnix, 0) == 0) {
    auto* const path = reinterpret_cast<sockaddr_un*>(&address.bytes);
    path->sun_family = AF_UNIX;
    std::strncpy(path->sun_path, endpoint.c_str() + std::strlen(kUnix), sizeof path->sun_path - 1);
    address.size = sizeof *path;
    return address;
  }
  const size_t colon = endpoint.rfind(':');
  auto* const host = reinterpret_cast<sockaddr_in*>(&address.bytes);
  host->sin_family = AF_INET;
  host->sin_port = htons(static_cast<uint16_t>(std::atoi(endpoint.c_str() + colon + 1)));
  inet_pton(AF_INET, endpoint.substr(0, colon).c_str(), &host->sin_addr);
  address.size = sizeof *host;
  return address;
}

// Runs `step(message)` until every piece is through.
template <typename Step>
bool WholeMessage(std::vector<iovec> left, Step step) {
  size_t at = 0;
  while (at < left.size()) {
    msghdr message{};
    message.msg_iov = &left[at];
    message.msg_iovlen = std::min<size_t>(left.size() - at, IOV_MAX);
    const ssize_t moved = step(message);
    if (moved < 0 && errno == EINTR) continue;
    if (moved <= 0) return false;
    auto rest = static_cast<size_t>(moved);
    while (at < left.size() && rest >= left[at].iov_len) rest -= left[at++].iov_len;
    if (at == left.size()) break;
    left[at].iov_base = static_cast<uint8_t*>(left[at].iov_base) + rest;
    left[at].iov_len -= rest;
  }
  return true;
}

}  // namespace

FileDescriptor Connect(const std::string& endpoint) {
  const Address address = AddressOf(endpoint);
  FileDescriptor fd(socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0) {
    return {};
  }
  TuneStream(fd.get());
  return fd;
}

FileDescriptor Listen(const std::string& endpoint) {
  const Address address = AddressOf(endpoint);
  FileDescriptor fd(socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 ||
      listen(fd.get(), 64) != 0) {
    return {};
  }
  return fd;
}

void TuneStream(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const timeval longest{10, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
}

bool SendAll(int socket, std::vector<iovec> pieces) {
  return WholeMessage(std::move(pieces), [&](const msghdr& message) {
    return sendmsg(socket, &message, MSG_NOSIGNAL);
  });
}

bool ReceiveAll(int socket, std::vector<iovec> pieces) {
  return WholeMessage(std::move(pieces),
                      [&](msghdr& message) { return recvmsg(socket, &message, MSG_WAITALL); });
}

}  // namespace halflife::bench
