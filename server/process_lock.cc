#include "server/process_lock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/config/settings.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr std::string_view kListenState = "0A";  // of /proc/net/tcp

std::string HolderIn(int fd) {
  char text[32] = "";
  const ssize_t size = pread(fd, text, sizeof text - 1, 0);
  int pid = 0;
  if (size <= 0 || !absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(size)), &pid)) {
    return "another process (its pid is not known)";
  }
  return StrCat("process ", pid);
}

// For whoever finds the lock taken. Where it cannot be written (a full disk) the lock holds as
// well.
void WritePid(int fd, const std::string& path) {
  const std::string text = StrCat(getpid(), "\n");
  const auto size = static_cast<ssize_t>(text.size());
  if (pwrite(fd, text.data(), text.size(), 0) == size && ftruncate(fd, size) == 0) return;
  Log(Severity::kWarning, "node", StrCat(path, ": cannot write: ", std::strerror(errno)));
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress Resolve(const HostPort& address) {
  SocketAddress resolved;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&resolved.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&resolved.storage);
  if (inet_pton(AF_INET, address.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(address.port));
    resolved.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, address.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(address.port));
    resolved.size = sizeof *v6;
  }
  return resolved;
}

// Inodes of sockets that listen on `port`, from one of the kernel's tables.
std::vector<std::string> ListeningInodes(const char* table, int port) {
  std::vector<std::string> inodes;
  std::ifstream file(table);
  std::string line;
  const std::string wanted = absl::StrFormat(":%04X", port);
  while (std::getline(file, line)) {
    // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …
    const std::vector<std::string> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() > 9 && fields[3] == kListenState && fields[1].size() > 5 &&
        fields[1].substr(fields[1].size() - 5) == wanted) {
      inodes.push_back(fields[9]);
    }
  }
  return inodes;
}

bool HasSocket(const std::filesystem::path& process, const std::vector<std::string>& inodes) {
  std::error_code error;
  for (std::filesystem::directory_iterator fd(process / "fd", error), end; !error && fd != end;
       fd.increment(error)) {
    const std::string target = std::filesystem::read_symlink(fd->path(), error).string();
    error.clear();
    for (const std::string& inode : inodes) {
      if (target == StrCat("socket:[", inode, "]")) return true;
    }
  }
  return false;
}

// Who listens on the port, if /proc shows it to us.
std::optional<int> PidListeningOn(int port) {
  std::vector<std::string> inodes = ListeningInodes("/proc/net/tcp", port);
  for (std::string& inode : ListeningInodes("/proc/net/tcp6", port))
    inodes.push_back(std::move(inode));
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    int pid = 0;
    if (absl::SimpleAtoi(entry->path().filename().string(), &pid) &&
        HasSocket(entry->path(), inodes))
      return pid;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<ProcessLock> ProcessLock::Acquire(const std::string& path) {
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return absl::UnavailableError(StrCat(path, ": cannot open: ", std::strerror(errno)));
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::UnavailableError(StrCat(path, ": cannot lock: ", std::strerror(errno)));
    }
    return absl::AlreadyExistsError(
        StrCat("in use by ", HolderIn(file.get()), ", which holds the lock ", path));
  }
  WritePid(file.get(), path);
  return ProcessLock(std::move(file));
}

absl::Status CheckPortIsFree(const std::string& address) {
  HL_ASSIGN_OR_RETURN(const HostPort parsed, ParseAddress(address));
  const SocketAddress resolved = Resolve(parsed);
  const FileDescriptor probe(socket(resolved.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return absl::UnavailableError(StrCat(address, ": no socket: ", std::strerror(errno)));
  // Past connections in TIME_WAIT do not matter; another listener does, in spite of this.
  const int on = 1;
  setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe.get(), reinterpret_cast<const sockaddr*>(&resolved.storage), resolved.size) == 0) {
    return absl::OkStatus();
  }
  if (errno != EADDRINUSE) {
    return absl::UnavailableError(StrCat(address, ": cannot bind: ", std::strerror(errno)));
  }
  const std::optional<int> pid = PidListeningOn(parsed.port);
  return absl::AlreadyExistsError(
      StrCat(address, ": in use by ",
             pid.has_value() ? StrCat("process ", *pid)
                             : std::string("another process (its pid is not visible)")));
}

}  // namespace halflife
