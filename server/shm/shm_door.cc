#include "server/shm/shm_door.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/clock.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr int kBacklog = 64;
constexpr mode_t kSocketMode = 0660;
// How often those who say nothing are looked for.
constexpr int kPollMilliseconds = 1000;
constexpr absl::Duration kSilenceLimit = absl::Seconds(1);
// Connections that have not said hello yet; beyond it new ones are closed at once.
constexpr size_t kMaxSilent = 16;
constexpr absl::Duration kRetryInterval = absl::Milliseconds(50);

absl::Status CannotListen(const std::string& path, const char* call) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", path, ": ", call, ": ", std::strerror(errno)));
}

absl::StatusOr<FileDescriptor> Listen(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof name.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat("socket of the shared memory: a path of ",
                                                   path.size(), " bytes, at most ",
                                                   sizeof name.sun_path - 1));
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  unlink(path.c_str());
  FileDescriptor listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return CannotListen(path, "socket");
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    return CannotListen(path, "bind");
  }
  if (chmod(path.c_str(), kSocketMode) != 0) return CannotListen(path, "chmod");
  if (listen(listener.get(), kBacklog) != 0) return CannotListen(path, "listen");
  return listener;
}

bool IsOurUser(int connection) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == geteuid();
}

void Answer(int connection, HandshakeStatus status) {
  ShmWelcome refusal;
  refusal.status = status;
  // Whether it arrives is the visitor's affair.
  static_cast<void>(SendMessage(connection, EncodeWelcome(refusal), {}));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShmDoor>> ShmDoor::Open(Options options, OnClosed on_closed) {
  HL_ASSIGN_OR_RETURN(FileDescriptor listener, Listen(options.path));
  FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return CannotListen(options.path, "eventfd");
  return std::unique_ptr<ShmDoor>(
      new ShmDoor(std::move(options), std::move(on_closed), std::move(listener), std::move(wake)));
}

ShmDoor::ShmDoor(Options options, OnClosed on_closed, FileDescriptor listener, FileDescriptor wake)
    : options_(std::move(options)),
      on_closed_(std::move(on_closed)),
      sessions_(options_.sessions),
      listener_(std::move(listener)),
      wake_(std::move(wake)) {
  thread_ =
      std::make_unique<PeriodicTask>("hl-shm-door", kRetryInterval, [this] { return Step(); });
  thread_->Wake();
}

ShmDoor::~ShmDoor() { Stop(); }

void ShmDoor::Stop() {
  if (stopped_.exchange(true)) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is far from its limit.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  thread_->Stop();
  listener_.Close();
  unlink(options_.path.c_str());
  for (Visitor& visitor : visitors_) Leave(visitor);
  visitors_.clear();
}

bool ShmDoor::Step() {
  std::vector<pollfd> waits = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                               {.fd = listener_.get(), .events = POLLIN, .revents = 0}};
  for (const Visitor& visitor : visitors_) {
    waits.push_back({.fd = visitor.connection.get(), .events = POLLIN, .revents = 0});
  }
  const int ready = poll(waits.data(), waits.size(), kPollMilliseconds);
  if (stopped_) return false;
  if (ready < 0) return false;
  for (size_t i = visitors_.size(); i-- > 0;) {
    if (waits[i + 2].revents == 0 || Hear(visitors_[i])) continue;
    Leave(visitors_[i]);
    visitors_.erase(visitors_.begin() + static_cast<ptrdiff_t>(i));
  }
  DropSilent(Clock::Real().NowNanos());
  const size_t before = visitors_.size();
  const uint64_t refused_before = refused();
  if (waits[1].revents != 0) Admit();
  // A connection is there that could not be taken (no descriptor left): pause for kRetryInterval.
  return waits[1].revents == 0 || visitors_.size() != before || refused() != refused_before;
}

void ShmDoor::Admit() {
  // Bounded, so that Stop is prompt.
  for (int i = 0; i < kBacklog; ++i) {
    FileDescriptor connection(
        accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection) return;
    const auto silent = static_cast<size_t>(
        std::count_if(visitors_.begin(), visitors_.end(),
                      [](const Visitor& visitor) { return visitor.session == nullptr; }));
    if (!IsOurUser(connection.get())) {
      Answer(connection.get(), HandshakeStatus::kRefused);
      refused_.fetch_add(1, std::memory_order_relaxed);
    } else if (silent >= kMaxSilent) {
      Answer(connection.get(), HandshakeStatus::kFull);
      refused_.fetch_add(1, std::memory_order_relaxed);
    } else {
      visitors_.push_back({.connection = std::move(connection),
                           .session = nullptr,
                           .since_ns = Clock::Real().NowNanos()});
    }
  }
}

bool ShmDoor::Hear(Visitor& visitor) {
  const absl::StatusOr<PassedMessage> message = ReceiveMessage(visitor.connection.get());
  if (absl::IsUnavailable(message.status())) return true;
  if (!message.ok() || message->bytes.empty()) return false;
  // After its hello a client has nothing to say.
  return visitor.session == nullptr && Welcome(visitor, *message);
}

bool ShmDoor::Welcome(Visitor& visitor, const PassedMessage& message) {
  const int connection = visitor.connection.get();
  const absl::StatusOr<ShmHello> hello = DecodeHello(message.bytes);
  if (!hello.ok() || !message.descriptors.empty()) {
    Answer(connection, HandshakeStatus::kMalformed);
    return false;
  }
  absl::StatusOr<ShmSessionRef> session = sessions_.Open(hello->staging_bytes);
  if (!session.ok()) {
    static RateLimit limit(absl::Seconds(1));
    if (limit.Pass()) Log(Severity::kWarning, "shm", ToStd(session.status().message()));
    refused_.fetch_add(1, std::memory_order_relaxed);
    Answer(connection, HandshakeStatus::kFull);
    return false;
  }
  visitor.session = *std::move(session);
  const ShmWelcome welcome{.status = HandshakeStatus::kOk,
                           .session = visitor.session->token(),
                           .arena_bytes = options_.share.arena_bytes,
                           .generation_words = options_.share.generation_words,
                           .staging_bytes = visitor.session->staging().size()};
  std::vector<int> descriptors = {options_.share.arena_fd, options_.share.generations_fd};
  if (welcome.staging_bytes > 0) descriptors.push_back(visitor.session->staging_memory().fd());
  const absl::Status sent = SendMessage(connection, EncodeWelcome(welcome), descriptors);
  visitor.session->staging_memory().CloseDescriptor();
  return sent.ok();
}

void ShmDoor::Leave(Visitor& visitor) {
  if (visitor.session == nullptr) return;
  sessions_.Close(visitor.session);
  on_closed_(*visitor.session);
}

void ShmDoor::DropSilent(int64_t now_ns) {
  visitors_.erase(std::remove_if(visitors_.begin(), visitors_.end(),
                                 [now_ns](const Visitor& visitor) {
                                   return visitor.session == nullptr &&
                                          now_ns - visitor.since_ns >
                                              absl::ToInt64Nanoseconds(kSilenceLimit);
                                 }),
                  visitors_.end());
}

}  // namespace halflife
