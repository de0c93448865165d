#include "server/shm/shm_lines.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "common/status.h"
#include "server/rpc/rpc_environment.h"
#include "server/shm/commit_call.h"
#include "server/shm/lease_call.h"

namespace halflife {
namespace {

constexpr uint64_t kWakeId = 0;
constexpr int kEventsPerStep = 16;
constexpr absl::Duration kRetryInterval = absl::Milliseconds(50);

bool Watch(int epoll, int fd, uint64_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

absl::Status NoDescriptor(const char* call) {
  return absl::UnavailableError(
      absl::StrCat("shared memory lines: ", call, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShmLines>> ShmLines::Open(const Options& options,
                                                         ShmEnvironment& environment) {
  FileDescriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return NoDescriptor("epoll_create1");
  FileDescriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake || !Watch(epoll.get(), wake.get(), kWakeId)) return NoDescriptor("eventfd");
  return std::unique_ptr<ShmLines>(
      new ShmLines(options, environment, std::move(epoll), std::move(wake)));
}

ShmLines::ShmLines(const Options& options, ShmEnvironment& environment, FileDescriptor epoll,
                   FileDescriptor wake)
    : options_(options),
      environment_(environment),
      epoll_(std::move(epoll)),
      wake_(std::move(wake)),
      packet_(kMaxLineBytes, '\0') {
  thread_ =
      std::make_unique<PeriodicTask>("hl-shm-lines", kRetryInterval, [this] { return Step(); });
  thread_->Wake();
}

ShmLines::~ShmLines() { Stop(); }

absl::Status ShmLines::Add(FileDescriptor connection, ShmSessionRef session) {
  const int fd = connection.get();
  uint64_t id = 0;
  if (count() >= options_.max_lines) CloseOrphans();
  {
    MutexLock lock(mutex_);
    const auto of_session =
        static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& entry) {
          return entry.second->session == session;
        }));
    if (lines_.size() >= options_.max_lines || of_session >= options_.max_lines_per_session) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "shared memory: ", of_session, " lines of a session, ", lines_.size(), " in all"));
    }
    id = next_id_++;
    lines_.emplace(id, std::make_shared<Line>(std::move(connection), std::move(session)));
  }
  if (Watch(epoll_.get(), fd, id)) return absl::OkStatus();
  Close(id);
  return NoDescriptor("epoll_ctl");
}

void ShmLines::Stop() {
  if (stopped_.exchange(true)) return;
  const uint64_t one = 1;
  // Cannot fail: the counter is far from its limit.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
  thread_->Stop();
  std::map<uint64_t, LineRef> dropped;
  MutexLock lock(mutex_);
  dropped.swap(lines_);
}

size_t ShmLines::count() const {
  MutexLock lock(mutex_);
  return lines_.size();
}

bool ShmLines::Step() {
  epoll_event events[kEventsPerStep];
  const int ready = epoll_wait(epoll_.get(), events, kEventsPerStep, -1);
  if (stopped_) return false;
  for (int i = 0; i < ready; ++i) {
    const uint64_t id = events[i].data.u64;
    LineRef line;
    {
      MutexLock lock(mutex_);
      const auto found = lines_.find(id);
      if (found != lines_.end()) line = found->second;
    }
    if (line != nullptr && !Hear(line)) Close(id);
  }
  return ready > 0 || errno == EINTR;
}

void ShmLines::Close(uint64_t id) {
  LineRef dropped;
  {
    MutexLock lock(mutex_);
    const auto found = lines_.find(id);
    if (found == lines_.end()) return;
    dropped.swap(found->second);
    lines_.erase(found);
  }
  // A call may keep the descriptor open: nothing more is to be heard from it.
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, dropped->connection.get(), nullptr);
}

void ShmLines::CloseOrphans() {
  std::vector<uint64_t> orphans;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, line] : lines_) {
      if (line->session->closed()) orphans.push_back(id);
    }
  }
  for (const uint64_t id : orphans) Close(id);
}

bool ShmLines::Hear(const LineRef& line) {
  const ssize_t size =
      recv(line->connection.get(), packet_.data(), packet_.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0 || static_cast<size_t>(size) > packet_.size()) return false;
  const absl::StatusOr<LineCall> call =
      DecodeLineCall(std::string_view(packet_).substr(0, static_cast<size_t>(size)));
  if (!call.ok() || line->busy.exchange(true)) return false;
  if (environment_.draining) {
    Fail(line, call->number, DrainingError());
  } else if (line->session->closed()) {
    Fail(line, call->number, absl::UnauthenticatedError("the session is gone"));
  } else if (call->method == LineMethod::kLeaseBlocks) {
    Lease(line, *call);
  } else if (call->method == LineMethod::kCommitBlocks) {
    Commit(line, *call);
  } else {
    Copy(line, *call);
  }
  return true;
}

void ShmLines::Lease(const LineRef& line, const LineCall& call) {
  v1::LeaseBlocksRequest request;
  if (!request.ParseFromArray(call.message.data(), static_cast<int>(call.message.size()))) {
    return Fail(line, call.number, absl::InvalidArgumentError("not a LeaseBlocksRequest"));
  }
  const auto lease = std::make_shared<LeaseCall>(environment_, line->session);
  const absl::StatusOr<bool> at_hand = lease->Start(request);
  if (!at_hand.ok()) return Fail(line, call.number, at_hand.status());
  const auto answer = [this, line, lease, number = call.number] {
    v1::LeaseBlocksResponse response;
    const absl::Status promised = lease->Promise(response);
    if (!promised.ok()) {
      Fail(line, number, promised);
    } else if (!Send(line, EncodeLineAnswer(number, response)) && response.lease_id() != 0) {
      static_cast<void>(environment_.store.Release(response.lease_id()));
    }
    lease->Settle();
  };
  if (*at_hand) return answer();
  const bool queued = environment_.io.Submit([lease, answer] {
    lease->Read();
    answer();
  });
  if (!queued) Fail(line, call.number, absl::ResourceExhaustedError("I/O queue is full"));
}

void ShmLines::Commit(const LineRef& line, const LineCall& call) {
  auto request = std::make_shared<v1::CommitBlocksRequest>();
  if (!request->ParseFromArray(call.message.data(), static_cast<int>(call.message.size()))) {
    return Fail(line, call.number, absl::InvalidArgumentError("not a CommitBlocksRequest"));
  }
  const auto commit = std::make_shared<CommitCall>(
      environment_, line->session,
      [this, line, number = call.number](const absl::Status& status,
                                         const v1::CommitBlocksResponse& response) {
        if (!status.ok()) return Fail(line, number, status);
        Send(line, EncodeLineAnswer(number, response));
      });
  // It copies: other lines would wait.
  const bool queued = environment_.io.Submit([commit, request] { commit->Start(*request); });
  if (!queued) Fail(line, call.number, absl::ResourceExhaustedError("I/O queue is full"));
}

void ShmLines::Copy(const LineRef& line, const LineCall& call) {
  auto request = std::make_shared<v1::CopyBlocksRequest>();
  if (!request->ParseFromArray(call.message.data(), static_cast<int>(call.message.size()))) {
    return Fail(line, call.number, absl::InvalidArgumentError("not a CopyBlocksRequest"));
  }
  const auto copy = std::make_shared<LeaseCall>(environment_, line->session);
  const bool queued = environment_.io.Submit([this, line, copy, request, number = call.number] {
    v1::CopyBlocksResponse response;
    const absl::Status status = RunCopy(*copy, *request, response);
    if (status.ok()) {
      Send(line, EncodeLineAnswer(number, response));
    } else {
      Fail(line, number, status);
    }
    copy->Settle();
  });
  if (!queued) Fail(line, call.number, absl::ResourceExhaustedError("I/O queue is full"));
}

void ShmLines::Fail(const LineRef& line, uint32_t number, const absl::Status& status) {
  environment_.refused_calls.fetch_add(1, std::memory_order_relaxed);
  Send(line, EncodeLineFailure(number, status));
}

bool ShmLines::Send(const LineRef& line, const std::string& packet) {
  // Before the client can know of the answer: its next call finds the line free.
  line->busy.store(false);
  return !packet.empty() &&
         send(line->connection.get(), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
             static_cast<ssize_t>(packet.size());
}

}  // namespace halflife
