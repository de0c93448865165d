#include "server/shm/shm_session.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/status.h"

namespace halflife {
namespace {

constexpr uint64_t kPageBytes = 4096;

absl::Status SystemError(const char* call, uint64_t size_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat("shared memory: ", call, " for ", size_bytes, " bytes: ", std::strerror(errno)));
}

// From the system: a token is a capability, so it must not follow from a seed.
SessionToken RandomToken() {
  SessionToken token;
  HL_CHECK(getrandom(token.data(), token.size(), 0) == static_cast<ssize_t>(token.size()));
  return token;
}

}  // namespace

absl::StatusOr<StagingMemory> StagingMemory::Create(uint64_t size_bytes) {
  StagingMemory staging;
  staging.fd_ = FileDescriptor(memfd_create("halflife-staging", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!staging.fd_) return SystemError("memfd_create", size_bytes);
  if (ftruncate(staging.fd_.get(), static_cast<off_t>(size_bytes)) != 0 ||
      fcntl(staging.fd_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return SystemError("ftruncate", size_bytes);
  }
  void* base = mmap(nullptr, size_bytes, PROT_READ, MAP_SHARED, staging.fd_.get(), 0);
  if (base == MAP_FAILED) return SystemError("mmap", size_bytes);
  staging.base_ = static_cast<const uint8_t*>(base);
  staging.size_bytes_ = size_bytes;
  // Users' tokens do not belong in a core dump.
  madvise(base, size_bytes, MADV_DONTDUMP);
  return staging;
}

StagingMemory::StagingMemory(StagingMemory&& other) noexcept
    : fd_(std::move(other.fd_)),
      base_(std::exchange(other.base_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

StagingMemory& StagingMemory::operator=(StagingMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(base_, other.base_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

StagingMemory::~StagingMemory() {
  if (base_ != nullptr) munmap(const_cast<uint8_t*>(base_), size_bytes_);
}

absl::StatusOr<uint32_t> ShmSession::AddRegion(ShmRegionRef region) {
  MutexLock lock(mutex_);
  if (regions_.size() >= kMaxRegions) {
    return absl::ResourceExhaustedError(
        absl::StrCat("shared memory: ", regions_.size(), " regions of one session"));
  }
  const uint32_t name = next_region_++;
  regions_.emplace(name, std::move(region));
  return name;
}

ShmRegionRef ShmSession::FindRegion(uint32_t name) const {
  MutexLock lock(mutex_);
  const auto found = regions_.find(name);
  return found == regions_.end() ? nullptr : found->second;
}

void ShmSession::RemoveRegion(uint32_t name) {
  ShmRegionRef dropped;  // closed without the lock
  MutexLock lock(mutex_);
  const auto found = regions_.find(name);
  if (found == regions_.end()) return;
  dropped.swap(found->second);
  regions_.erase(found);
}

absl::StatusOr<ShmSessionRef> ShmSessions::Open(uint64_t wanted_staging_bytes) {
  uint64_t staging_bytes =
      std::min(wanted_staging_bytes, kMaxStagingBytes) / kPageBytes * kPageBytes;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (reserved_sessions_ >= options_.max_sessions) {
      return absl::ResourceExhaustedError(absl::StrCat("shared memory: ", reserved_sessions_,
                                                       " of ", options_.max_sessions, " sessions"));
    }
    if (staging_bytes > options_.max_staging_bytes - staging_bytes_) staging_bytes = 0;
    ++reserved_sessions_;
    staging_bytes_ += staging_bytes;
    number = next_number_++;
  }
  absl::StatusOr<StagingMemory> staging = StagingMemory();
  if (staging_bytes > 0) staging = StagingMemory::Create(staging_bytes);
  if (!staging.ok()) {
    MutexLock lock(mutex_);
    --reserved_sessions_;
    staging_bytes_ -= staging_bytes;
    return staging.status();
  }
  auto session = std::make_shared<ShmSession>(number, RandomToken(), *std::move(staging));
  MutexLock lock(mutex_);
  sessions_.emplace(session->token(), session);
  return session;
}

ShmSessionRef ShmSessions::Find(std::string_view token) const {
  SessionToken key;
  if (token.size() != key.size()) return nullptr;
  std::copy(token.begin(), token.end(), key.begin());
  MutexLock lock(mutex_);
  const auto found = sessions_.find(key);
  return found == sessions_.end() ? nullptr : found->second;
}

void ShmSessions::Close(const ShmSessionRef& session) {
  session->Close();
  ShmSessionRef dropped;  // unmapped without the lock
  MutexLock lock(mutex_);
  const auto found = sessions_.find(session->token());
  if (found == sessions_.end()) return;
  dropped.swap(found->second);
  sessions_.erase(found);
  --reserved_sessions_;
  staging_bytes_ -= session->staging().size();
}

size_t ShmSessions::count() const {
  MutexLock lock(mutex_);
  return sessions_.size();
}

uint64_t ShmSessions::staging_bytes() const {
  MutexLock lock(mutex_);
  return staging_bytes_;
}

}  // namespace halflife
