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
// Refused users that the log names; further ones are only counted.
constexpr size_t kMaxNamedUids = 64;

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

std::vector<uint8_t> Refusal(HandshakeStatus status) {
  ShmWelcome refusal;
  refusal.status = status;
  return EncodeWelcome(refusal);
}

void Refuse(int connection, const std::vector<uint8_t>& answer, std::atomic<uint64_t>& counter) {
  counter.fetch_add(1, std::memory_order_relaxed);
  // Whether it arrives is the visitor's affair.
  static_cast<void>(SendMessage(connection, answer, {}));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShmDoor>> ShmDoor::Open(Options options, Events events) {
  HL_ASSIGN_OR_RETURN(FileDescriptor listener, Listen(options.path));
  FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake) return CannotListen(options.path, "eventfd");
  return std::unique_ptr<ShmDoor>(
      new ShmDoor(std::move(options), std::move(events), std::move(listener), std::move(wake)));
}

ShmDoor::ShmDoor(Options options, Events events, FileDescriptor listener, FileDescriptor wake)
    : options_(std::move(options)),
      events_(std::move(events)),
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
  DropUseless(Clock::Real().NowNanos());
  // A connection is there that could not be taken (no descriptor left): pause for kRetryInterval.
  return waits[1].revents == 0 || Admit();
}

bool ShmDoor::Admit() {
  // Bounded, so that Stop is prompt.
  for (int i = 0; i < kBacklog; ++i) {
    FileDescriptor connection(
        accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!connection) return i > 0 || errno == EAGAIN;
    const auto silent = static_cast<size_t>(
        std::count_if(visitors_.begin(), visitors_.end(),
                      [](const Visitor& visitor) { return IsSilent(visitor); }));
    if (!IsAllowed(connection.get())) {
      Refuse(connection.get(), Refusal(HandshakeStatus::kRefused), refused_peers_);
    } else if (silent >= kMaxSilent) {
      Refuse(connection.get(), Refusal(HandshakeStatus::kFull), refused_full_);
    } else {
      visitors_.push_back({.connection = std::move(connection),
                           .session = nullptr,
                           .since_ns = Clock::Real().NowNanos()});
    }
  }
  return true;
}

bool ShmDoor::IsAllowed(int connection) {
  uid_t uid = 0;
  const absl::Status allowed = options_.peers.Check(connection, &uid);
  if (allowed.ok()) return true;
  // Once per user: a client that retries for ever must not fill the log.
  if (named_uids_.size() < kMaxNamedUids && named_uids_.insert(uid).second) {
    Log(Severity::kWarning, "shm", StrCat(options_.path, ": ", ToStd(allowed.message())));
  }
  return false;
}

bool ShmDoor::Hear(Visitor& visitor) {
  const absl::StatusOr<PassedMessage> message = ReceiveMessage(visitor.connection.get());
  if (absl::IsUnavailable(message.status())) return true;
  if (!message.ok() || message->bytes.empty()) return false;
  // After its hello a client has nothing to say.
  if (visitor.session != nullptr || visitor.region_of != nullptr) return false;
  if (message->descriptors.size() == 1) {
    const absl::StatusOr<ShmRegionHello> region = DecodeRegionHello(message->bytes);
    if (region.ok()) return TakeRegion(visitor, *region, message->descriptors[0].get());
  }
  const absl::StatusOr<ShmLineHello> line = DecodeLineHello(message->bytes);
  if (!line.ok() || !message->descriptors.empty()) return Welcome(visitor, *message);
  TakeLine(visitor, *line);
  return false;  // it is no visitor any more
}

void ShmDoor::TakeLine(Visitor& visitor, const ShmLineHello& hello) {
  ShmSessionRef session = SessionOf(hello.session);
  if (session == nullptr) {
    Refuse(visitor.connection.get(), EncodeAck(HandshakeStatus::kRefused), refused_malformed_);
    return;
  }
  // First, because the line's next packet may be an answer. If there turns out to be no room the
  // connection closes, which says the same.
  if (!SendMessage(visitor.connection.get(), EncodeAck(HandshakeStatus::kOk), {}).ok()) return;
  if (!events_.on_line(std::move(visitor.connection), std::move(session)).ok()) {
    refused_full_.fetch_add(1, std::memory_order_relaxed);
  }
}

bool ShmDoor::Welcome(Visitor& visitor, const PassedMessage& message) {
  const int connection = visitor.connection.get();
  const absl::StatusOr<ShmHello> hello = DecodeHello(message.bytes);
  if (!hello.ok() || !message.descriptors.empty()) {
    Refuse(connection, Refusal(HandshakeStatus::kMalformed), refused_malformed_);
    return false;
  }
  absl::StatusOr<ShmSessionRef> session = options_.sessions->Open(hello->staging_bytes);
  if (!session.ok()) {
    static RateLimit limit(absl::Seconds(1));
    if (limit.Pass()) Log(Severity::kWarning, "shm", ToStd(session.status().message()));
    Refuse(connection, Refusal(HandshakeStatus::kFull), refused_full_);
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

ShmSessionRef ShmDoor::SessionOf(const SessionToken& token) const {
  return options_.sessions->Find({reinterpret_cast<const char*>(token.data()), token.size()});
}

bool ShmDoor::TakeRegion(Visitor& visitor, const ShmRegionHello& hello, int file) {
  const int connection = visitor.connection.get();
  const auto refuse = [&](HandshakeStatus status, std::atomic<uint64_t>& counter) {
    Refuse(connection, EncodeRegionAck({.status = status}), counter);
    return false;
  };
  ShmSessionRef session = SessionOf(hello.session);
  if (session == nullptr) return refuse(HandshakeStatus::kRefused, refused_malformed_);
  absl::StatusOr<ShmRegionRef> region = ShmRegion::Open(file, hello.size_bytes);
  if (!region.ok()) {
    static RateLimit limit(absl::Seconds(1));
    if (limit.Pass()) Log(Severity::kWarning, "shm", ToStd(region.status().message()));
    return refuse(HandshakeStatus::kNotShareable, refused_malformed_);
  }
  const absl::StatusOr<uint32_t> name = session->AddRegion(*std::move(region));
  if (!name.ok()) return refuse(HandshakeStatus::kFull, refused_full_);
  visitor.region_of = std::move(session);
  visitor.region = *name;
  return SendMessage(connection, EncodeRegionAck({.region = *name}), {}).ok();
}

void ShmDoor::Leave(Visitor& visitor) {
  if (visitor.region_of != nullptr) visitor.region_of->RemoveRegion(visitor.region);
  if (visitor.session == nullptr) return;
  options_.sessions->Close(visitor.session);
  events_.on_closed(*visitor.session);
}

// Who has said nothing for too long, and regions of sessions that are gone: their connections would
// add up beyond every limit.
void ShmDoor::DropUseless(int64_t now_ns) {
  visitors_.erase(std::remove_if(visitors_.begin(), visitors_.end(),
                                 [now_ns](const Visitor& visitor) {
                                   if (visitor.region_of != nullptr)
                                     return visitor.region_of->closed();
                                   return IsSilent(visitor) &&
                                          now_ns - visitor.since_ns >
                                              absl::ToInt64Nanoseconds(kSilenceLimit);
                                 }),
                  visitors_.end());
}

}  // namespace halflife
