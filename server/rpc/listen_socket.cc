#include "server/rpc/listen_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "common/status.h"

namespace halflife {
namespace {

constexpr int kBacklog = 512;
constexpr mode_t kSocketMode = 0660;

absl::Status CannotListen(const std::string& address, const char* call) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address, ": ", call, ": ", std::strerror(errno)));
}

absl::StatusOr<FileDescriptor> NewSocket(int family, const std::string& address) {
  FileDescriptor fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return CannotListen(address, "socket");
  return fd;
}

int PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<AddressList> ParseTcpAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("tcp_address \"", address, "\" is not host:port"));
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &found);
  if (error == 0) return AddressList(found, &freeaddrinfo);
  return absl::InvalidArgumentError(
      absl::StrCat("tcp_address \"", address, "\": ", gai_strerror(error)));
}

}  // namespace

absl::StatusOr<ListenSocket> ListenUnix(const std::string& path, bool remove_stale) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    return absl::InvalidArgumentError(
        absl::StrCat("unix_path has ", path.size(), " bytes, at most ", sizeof name.sun_path - 1));
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  struct stat existing {};
  if (remove_stale && lstat(path.c_str(), &existing) == 0) {
    if (!S_ISSOCK(existing.st_mode)) {
      return absl::FailedPreconditionError(
          absl::StrCat(path, " is there already and is not a socket"));
    }
    if (unlink(path.c_str()) != 0) return CannotListen(path, "unlink");
  }
  HL_ASSIGN_OR_RETURN(FileDescriptor fd, NewSocket(AF_UNIX, path));
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    if (errno == EADDRINUSE)
      return absl::FailedPreconditionError(absl::StrCat(path, " is there already"));
    return CannotListen(path, "bind");
  }
  if (chmod(path.c_str(), kSocketMode) != 0) return CannotListen(path, "chmod");
  if (listen(fd.get(), kBacklog) != 0) return CannotListen(path, "listen");
  return ListenSocket{.fd = std::move(fd), .tcp = false, .address = path, .port = 0};
}

absl::StatusOr<ListenSocket> ListenTcp(const std::string& address) {
  HL_ASSIGN_OR_RETURN(const AddressList parsed, ParseTcpAddress(address));
  HL_ASSIGN_OR_RETURN(FileDescriptor fd, NewSocket(parsed->ai_family, address));
  const int on = 1;
  // Lets a restarted daemon bind while connections of the old one linger in TIME_WAIT; it does not
  // share the port.
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd.get(), parsed->ai_addr, parsed->ai_addrlen) != 0)
    return CannotListen(address, "bind");
  if (listen(fd.get(), kBacklog) != 0) return CannotListen(address, "listen");
  const int port = PortOf(fd.get());
  return ListenSocket{.fd = std::move(fd), .tcp = true, .address = address, .port = port};
}

}  // namespace halflife
