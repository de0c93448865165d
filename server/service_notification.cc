#include "server/service_notification.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>
#include <optional>
#include <string>

#include "common/config/environment.h"
#include "common/file_descriptor.h"

namespace halflife {

bool NotifyServiceManager(std::string_view state) {
  const std::optional<std::string> path = EnvironmentVariable("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path.has_value() || path->size() < 2 || path->size() >= sizeof address.sun_path)
    return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path->data(), path->size());
  // "@name" stands for an abstract socket, whose name begins with a zero byte.
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const FileDescriptor sender(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!sender) return false;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path->size());
  return sendto(sender.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                reinterpret_cast<const sockaddr*>(&address),
                size) == static_cast<ssize_t>(state.size());
}

}  // namespace halflife
