#include "client/src/shm_region.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "client/src/shm_socket.h"
#include "common/clock.h"
#include "common/status.h"
#include "proto/wire/shm_handshake.h"

namespace halflife::client {
namespace {

constexpr int kAnswerMilliseconds = 100;
constexpr absl::Duration kRetryInterval = absl::Seconds(1);

struct Registered {
  FileDescriptor connection;
  uint32_t name = 0;
};

absl::StatusOr<Registered> Register(const std::string& path, const std::string& session, int file,
                                    uint64_t size_bytes) {
  Registered registered;
  HL_ASSIGN_OR_RETURN(registered.connection, ConnectToDoor(path));
  ShmRegionHello hello{.session = {}, .size_bytes = size_bytes};
  std::copy_n(session.begin(), std::min(session.size(), hello.session.size()),
              hello.session.begin());
  const int connection = registered.connection.get();
  HL_RETURN_IF_ERROR(SendMessage(connection, EncodeRegionHello(hello), {&file, 1}));
  HL_ASSIGN_OR_RETURN(const PassedMessage answer, AwaitMessage(connection, kAnswerMilliseconds));
  HL_ASSIGN_OR_RETURN(const ShmRegionAck ack, DecodeRegionAck(answer.bytes));
  if (ack.status != HandshakeStatus::kOk) {
    return absl::UnavailableError(
        absl::StrCat("region: the daemon says ", static_cast<int>(ack.status)));
  }
  registered.name = ack.region;
  return registered;
}

}  // namespace

absl::StatusOr<std::shared_ptr<RegionState>> RegionState::Of(void* base, size_t size, int fd,
                                                             uint64_t file_offset) {
  struct stat facts {};
  if (base == nullptr || size == 0 || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError("region: no memory, or not a file");
  }
  const auto file_bytes = static_cast<uint64_t>(facts.st_size);
  if (size > file_bytes || file_offset > file_bytes - size) {
    return absl::InvalidArgumentError(absl::StrCat("region: ", size, " bytes at ", file_offset,
                                                   " of a file that has ", file_bytes));
  }
  FileDescriptor file(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!file) return absl::InvalidArgumentError(absl::StrCat("region: ", std::strerror(errno)));
  return std::shared_ptr<RegionState>(
      new RegionState(static_cast<uint8_t*>(base), size, std::move(file), file_offset));
}

std::optional<uint32_t> RegionState::NameIn(const std::string& path, const ShmMemoryRef& memory) {
  const int64_t now_ns = Clock::Real().NowNanos();
  {
    MutexLock lock(mutex_);
    if (memory_ == memory) return name_;
    if (now_ns < next_try_ns_) return std::nullopt;
    next_try_ns_ = now_ns + absl::ToInt64Nanoseconds(kRetryInterval);
  }
  absl::StatusOr<Registered> registered =
      Register(path, memory->session(), file_.get(), file_offset_ + size_);
  if (!registered.ok()) return std::nullopt;
  MutexLock lock(mutex_);
  memory_ = memory;
  // The former one is closed behind the lock, with `registered`.
  std::swap(connection_, registered->connection);
  name_ = registered->name;
  next_try_ns_ = 0;
  return name_;
}

bool RegionState::AddPieces(uint32_t name, View<Segment> segments,
                            google::protobuf::RepeatedPtrField<v1::RegionPiece>& pieces) const {
  for (const Segment& segment : segments) {
    const auto begin = reinterpret_cast<uintptr_t>(segment.data);
    const auto base = reinterpret_cast<uintptr_t>(base_);
    if (begin < base || segment.size > size_ || begin - base > size_ - segment.size) return false;
    if (segment.size == 0) continue;
    v1::RegionPiece* const piece = pieces.Add();
    piece->set_region(name);
    piece->set_offset(file_offset_ + (begin - base));
    piece->set_length(segment.size);
  }
  return true;
}

void RegionState::AwaitEnd(std::shared_ptr<ShmLine> line) {
  MutexLock lock(mutex_);
  unsettled_.push_back(std::move(line));
}

bool RegionState::quiet() {
  std::vector<std::shared_ptr<ShmLine>> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(unsettled_);
  }
  std::erase_if(waiting, [](const std::shared_ptr<ShmLine>& line) { return line->HasEnded(); });
  MutexLock lock(mutex_);
  unsettled_.insert(unsettled_.end(), waiting.begin(), waiting.end());
  return unsettled_.empty();
}

Region::Region(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Region::~Region() = default;

bool Region::quiet() const { return impl_->state->quiet(); }

}  // namespace halflife::client
