#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "proto/wire/descriptor_passing.h"
#include "proto/wire/shm_handshake.h"
#include "server/shm/shm_region.h"

namespace halflife {

// Memory that one client writes and the daemon reads. Of fixed size for ever, so that no client can
// make the daemon fault by cutting it. What is in it may change at any time. Immutable.
class StagingMemory {
 public:
  // Returns: kResourceExhausted if the kernel has no descriptor or address space left.
  static absl::StatusOr<StagingMemory> Create(uint64_t size_bytes);
  StagingMemory() = default;
  StagingMemory(StagingMemory&& other) noexcept;
  StagingMemory& operator=(StagingMemory&& other) noexcept;
  ~StagingMemory();

  // The daemon's read-only view.
  absl::Span<const uint8_t> bytes() const { return {base_, size_bytes_}; }
  int fd() const { return fd_.get(); }
  // Once it was handed over.
  void CloseDescriptor() { fd_.Close(); }

 private:
  FileDescriptor fd_;
  const uint8_t* base_ = nullptr;
  uint64_t size_bytes_ = 0;
};

inline constexpr size_t kMaxRegions = 16;  // of one session

// One client's connection, as calls see it. Thread-safe once it is opened.
class ShmSession {
 public:
  ShmSession(uint64_t number, const SessionToken& token, StagingMemory staging)
      : number_(number), token_(token), staging_(std::move(staging)) {}

  // Owner of leases; never 0, never used again.
  uint64_t number() const { return number_; }
  const SessionToken& token() const { return token_; }
  absl::Span<const uint8_t> staging() const { return staging_.bytes(); }
  StagingMemory& staging_memory() { return staging_; }

  // Registers a region. Returns its name; kResourceExhausted if the session has kMaxRegions.
  absl::StatusOr<uint32_t> AddRegion(ShmRegionRef region);
  // Null if there is none of that name.
  ShmRegionRef FindRegion(uint32_t name) const;
  // Calls that run keep it until they end.
  void RemoveRegion(uint32_t name);

  // The connection is gone: whatever a call has taken in its name since must be given back.
  void Close() { closed_.store(true); }
  bool closed() const { return closed_.load(); }

 private:
  const uint64_t number_;
  const SessionToken token_;
  StagingMemory staging_;
  std::atomic<bool> closed_{false};

  mutable Mutex mutex_;
  absl::flat_hash_map<uint32_t, ShmRegionRef> regions_ ABSL_GUARDED_BY(mutex_);  // by name
  uint32_t next_region_ ABSL_GUARDED_BY(mutex_) = 1;
};
using ShmSessionRef = std::shared_ptr<ShmSession>;

// The sessions that are open, by token. Bounded in number and in staging memory. Thread-safe.
class ShmSessions {
 public:
  struct Options {
    uint32_t max_sessions = 64;
    uint64_t max_staging_bytes = uint64_t{64} << 20;  // of all together
  };

  explicit ShmSessions(const Options& options) : options_(options) {}

  // Staging memory as wanted, or none if that much is not left. Returns: kResourceExhausted.
  absl::StatusOr<ShmSessionRef> Open(uint64_t wanted_staging_bytes);
  // null if there is none, or `token` is not one.
  ShmSessionRef Find(std::string_view token) const;
  // Idempotent. Calls that run keep the session's memory until they end.
  void Close(const ShmSessionRef& session);

  size_t count() const;
  uint64_t staging_bytes() const;

 private:
  const Options options_;

  mutable Mutex mutex_;
  absl::flat_hash_map<SessionToken, ShmSessionRef> sessions_ ABSL_GUARDED_BY(mutex_);
  uint32_t reserved_sessions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t staging_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace halflife
