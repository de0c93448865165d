#include "client/src/shm_link.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "client/src/shm_socket.h"
#include "common/check.h"
#include "common/status.h"

namespace halflife::client {
namespace {

constexpr int kAnswerMilliseconds = 1000;
constexpr int kRetryMilliseconds = 1000;

}  // namespace

ShmLink::ShmLink(uint64_t staging_bytes)
    : staging_bytes_(staging_bytes), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

ShmLink::~ShmLink() { Stop(); }

void ShmLink::Offer(std::string path) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || !wake_ || (path_ == path && memory_ != nullptr)) return;
    path_ = std::move(path);
    if (thread_ == nullptr) {
      thread_ = std::make_unique<ThreadPool>(
          ThreadPool::Options{.name = "hl-client-shm", .threads = 1, .queue_limit = 1});
      HL_CHECK(thread_->Submit([this] { Run(); }));
    }
  }
  Wake();
}

ShmMemoryRef ShmLink::memory() const {
  MutexLock lock(mutex_);
  return memory_;
}

std::string ShmLink::path() const {
  MutexLock lock(mutex_);
  return path_;
}

bool ShmLink::WaitForMemory(absl::Duration timeout) {
  MutexLock lock(mutex_);
  while (memory_ == nullptr && !stopping_) {
    if (!published_.WaitFor(mutex_, timeout)) break;
  }
  return memory_ != nullptr;
}

void ShmLink::Renew(const ShmMemoryRef& memory) {
  {
    MutexLock lock(mutex_);
    if (memory_ != memory) return;  // somebody else has noticed already
    memory_.reset();
    renew_ = true;
  }
  Wake();
}

void ShmLink::Stop() {
  std::unique_ptr<ThreadPool> thread;
  ShmMemoryRef dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
    dropped.swap(memory_);
    published_.NotifyAll();
  }
  Wake();
  if (thread != nullptr) thread->Drain();
}

void ShmLink::Wake() {
  const uint64_t one = 1;
  // Cannot fail: the counter is far from its limit.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void ShmLink::Publish(ShmMemoryRef memory) {
  MutexLock lock(mutex_);
  if (stopping_) return;
  memory_.swap(memory);
  published_.NotifyAll();
}

void ShmLink::Run() {
  while (true) {
    std::string path;
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      renew_ = false;
      path = path_;
    }
    absl::StatusOr<Session> session = Connect(path);
    if (session.ok()) {
      Publish(session->memory);
      Watch(*session);
      Publish(nullptr);
    }
    // At once after a session that ended, too: its daemon is gone or wants to be rid of us.
    Sleep();
  }
}

absl::StatusOr<ShmLink::Session> ShmLink::Connect(const std::string& path) {
  Session session;
  HL_ASSIGN_OR_RETURN(session.connection, ConnectToDoor(path));
  HL_RETURN_IF_ERROR(
      SendMessage(session.connection.get(), EncodeHello({.staging_bytes = staging_bytes_}), {}));
  HL_ASSIGN_OR_RETURN(const PassedMessage answer,
                      AwaitMessage(session.connection.get(), kAnswerMilliseconds));
  HL_ASSIGN_OR_RETURN(const ShmWelcome welcome, DecodeWelcome(answer.bytes));
  if (welcome.status != HandshakeStatus::kOk) {
    return absl::UnavailableError(
        absl::StrCat("shared memory: the daemon says ", static_cast<int>(welcome.status)));
  }
  HL_ASSIGN_OR_RETURN(session.memory, ShmMemory::Map(welcome, answer.descriptors));
  return session;
}

void ShmLink::Watch(const Session& session) {
  while (true) {
    pollfd waits[] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                      {.fd = session.connection.get(), .events = POLLIN, .revents = 0}};
    if (poll(waits, 2, -1) < 0 && errno == EINTR) continue;
    // After its welcome a daemon has nothing to say: whatever comes is the end.
    if (waits[1].revents != 0) return;
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = read(wake_.get(), &count, sizeof count);
    MutexLock lock(mutex_);
    if (stopping_ || renew_) return;
  }
}

void ShmLink::Sleep() {
  {
    MutexLock lock(mutex_);
    if (stopping_ || renew_) return;
  }
  pollfd waits[] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0}};
  poll(waits, 1, kRetryMilliseconds);
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t size = read(wake_.get(), &count, sizeof count);
}

}  // namespace halflife::client
