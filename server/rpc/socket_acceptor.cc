#include "server/rpc/socket_acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/log.h"
#include "common/status.h"

namespace halflife {
namespace {

// How often closed connections are forgotten when no new one comes.
constexpr int kPollMilliseconds = 1000;
// After a failed accept that leaves the connection in the backlog, so that the loop does not spin.
constexpr absl::Duration kRetryInterval = absl::Milliseconds(50);

// Bytes that a connection may have on their way in the kernel (net.core.wmem_max may make it less).
// Linux' 208 KiB let a Unix socket run dry between two frames. More is slower on TCP over loopback,
// where the bytes no longer fit the caches. bench/README.md has the figures.
constexpr int kUnixSendBytes = 1 << 20;
constexpr int kTcpSendBytes = 512 << 10;

// Refused users that the log names; further ones are only counted.
constexpr size_t kMaxNamedUids = 64;

uint64_t InodeOf(int fd) {
  struct stat facts {};
  return fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

FileDescriptor OpenReserve() { return FileDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

// Without them it works, too.
void SetOptions(const ListenSocket& socket, int connection) {
  const int send_bytes = socket.tcp ? kTcpSendBytes : kUnixSendBytes;
  setsockopt(connection, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
  if (!socket.tcp) return;
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool OutOfDescriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

SocketAcceptor::SocketAcceptor(std::vector<ListenSocket> sockets, Admission admission,
                               std::function<void(int, int)> take)
    : admission_(std::move(admission)),
      take_(std::move(take)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      sockets_(std::move(sockets)),
      reserve_(OpenReserve()) {
  for (const ListenSocket& socket : sockets_) tcp_port_ = std::max(tcp_port_, socket.port);
  accepting_ =
      std::make_unique<PeriodicTask>("hl-accept", kRetryInterval, [this] { return Step(); });
  accepting_->Wake();
}

SocketAcceptor::~SocketAcceptor() { Stop(); }

void SocketAcceptor::Stop() {
  if (stopped_.exchange(true)) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is far from its limit.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  accepting_->Stop();
  sockets_.clear();
}

SocketAcceptor::Stats SocketAcceptor::stats() const {
  return {.accepted = accepted_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed),
          .forbidden = forbidden_.load(std::memory_order_relaxed),
          .open = open_.load(std::memory_order_relaxed)};
}

bool SocketAcceptor::Step() {
  std::vector<pollfd> waits = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  for (const ListenSocket& socket : sockets_) {
    waits.push_back({.fd = socket.fd.get(), .events = POLLIN, .revents = 0});
  }
  const int ready = poll(waits.data(), waits.size(), kPollMilliseconds);
  if (stopped_) return false;
  ForgetClosed();
  if (ready < 0) return false;
  const uint64_t taken_before = accepted_ + refused_ + forbidden_;
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (waits[i + 1].revents != 0) AcceptAll(sockets_[i]);
  }
  // Something is there that could not be taken: pause for kRetryInterval.
  return ready == 0 || accepted_ + refused_ + forbidden_ != taken_before;
}

void SocketAcceptor::AcceptAll(const ListenSocket& socket) {
  // Bounded, so that Stop is prompt and the other socket gets its turn.
  for (int i = 0; i < 64; ++i) {
    FileDescriptor connection(
        accept4(socket.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection) {
      if (OutOfDescriptors(errno)) RefuseOne(socket.fd.get());
      return;
    }
    if (!IsAllowed(socket, connection.get())) {
      forbidden_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    if (!HasRoom()) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    SetOptions(socket, connection.get());
    accepted_.fetch_add(1, std::memory_order_relaxed);
    connections_.push_back({.fd = connection.get(), .inode = InodeOf(connection.get())});
    open_.store(connections_.size(), std::memory_order_relaxed);
    take_(socket.fd.get(), connection.Release());
  }
}

bool SocketAcceptor::IsAllowed(const ListenSocket& socket, int connection) {
  if (socket.tcp) return true;
  uid_t uid = 0;
  const absl::Status allowed = admission_.peers.Check(connection, &uid);
  if (allowed.ok()) return true;
  // Once per user: a client that retries for ever must not fill the log.
  if (named_uids_.size() < kMaxNamedUids && named_uids_.insert(uid).second) {
    Log(Severity::kWarning, "rpc", absl::StrCat(socket.address, ": ", allowed.message()));
  }
  return false;
}

bool SocketAcceptor::HasRoom() {
  const auto limit = static_cast<size_t>(admission_.max_connections);
  if (connections_.size() >= limit) ForgetClosed();
  return connections_.size() < limit;
}

void SocketAcceptor::ForgetClosed() {
  connections_.erase(std::remove_if(connections_.begin(), connections_.end(),
                                    [](const Connection& c) { return InodeOf(c.fd) != c.inode; }),
                     connections_.end());
  open_.store(connections_.size(), std::memory_order_relaxed);
}

void SocketAcceptor::RefuseOne(int listener) {
  reserve_.Close();
  FileDescriptor refused(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (refused) refused_.fetch_add(1, std::memory_order_relaxed);
  refused.Close();
  reserve_ = OpenReserve();
  static RateLimit limit(absl::Seconds(1));
  if (limit.Pass())
    Log(Severity::kWarning, "rpc", "no file descriptor left: connections are refused");
}

}  // namespace halflife
