#include "storage/lease_table.h"

#include <random>
#include <utility>

#include "common/status.h"

namespace halflife {
namespace {

// From the system: an id is a capability, so it must not follow from a seed.
LeaseId RandomId() {
  std::random_device source;
  LeaseId id = 0;
  while (id == 0) id = (uint64_t{source()} << 32) | source();
  return id;
}

absl::Status Gone() { return absl::NotFoundError("lease: unknown or expired"); }

}  // namespace

absl::StatusOr<LeaseId> LeaseTable::Add(BlockStore::LeasedBlocks blocks, int64_t expires_ns) {
  uint64_t bytes = 0;
  for (const BlockRef& block : blocks.blocks) bytes += block.arena_bytes();
  auto shared = std::make_shared<const BlockStore::LeasedBlocks>(std::move(blocks));
  const LeaseId first_try = RandomId();
  MutexLock lock(mutex_);
  if (leases_.size() >= limits_.max_leases) {
    return absl::ResourceExhaustedError(
        absl::StrCat("leases: ", leases_.size(), " of ", limits_.max_leases, " in use"));
  }
  if (bytes > limits_.max_bytes - bytes_) {
    return absl::ResourceExhaustedError(absl::StrCat("leases: ", bytes, " bytes wanted, ", bytes_,
                                                     " of ", limits_.max_bytes, " in use"));
  }
  LeaseId id = first_try;
  while (leases_.contains(id)) id = RandomId();
  leases_[id] = {std::move(shared), bytes, expires_ns};
  bytes_ += bytes;
  return id;
}

absl::Status LeaseTable::Release(LeaseId id, int64_t now_ns) {
  Lease released;  // freed behind the lock
  {
    MutexLock lock(mutex_);
    auto it = leases_.find(id);
    if (it == leases_.end() || it->second.expires_ns <= now_ns) return Gone();
    released = std::move(it->second);
    bytes_ -= released.bytes;
    leases_.erase(it);
  }
  return absl::OkStatus();
}

absl::Status LeaseTable::Renew(LeaseId id, int64_t now_ns, int64_t expires_ns) {
  MutexLock lock(mutex_);
  auto it = leases_.find(id);
  if (it == leases_.end() || it->second.expires_ns <= now_ns) return Gone();
  it->second.expires_ns = expires_ns;
  return absl::OkStatus();
}

absl::StatusOr<BlockStore::LeasedBlocks> LeaseTable::Find(LeaseId id, int64_t now_ns) const {
  std::shared_ptr<const BlockStore::LeasedBlocks> blocks;
  {
    MutexLock lock(mutex_);
    auto it = leases_.find(id);
    if (it == leases_.end() || it->second.expires_ns <= now_ns) {
      return absl::AbortedError("lease: unknown or expired");
    }
    blocks = it->second.blocks;
  }
  return *blocks;
}

bool LeaseTable::ExpireSome(int64_t now_ns, size_t limit) {
  std::vector<Lease> expired;
  {
    MutexLock lock(mutex_);
    for (auto it = leases_.begin(); it != leases_.end() && expired.size() < limit;) {
      if (it->second.expires_ns > now_ns) {
        ++it;
        continue;
      }
      bytes_ -= it->second.bytes;
      ++expired_;
      expired.push_back(std::move(it->second));
      leases_.erase(it++);
    }
  }
  return expired.size() == limit;
}

std::vector<std::shared_ptr<const BlockStore::LeasedBlocks>> LeaseTable::All() const {
  std::vector<std::shared_ptr<const BlockStore::LeasedBlocks>> all;
  MutexLock lock(mutex_);
  for (const auto& [id, lease] : leases_) all.push_back(lease.blocks);
  return all;
}

uint64_t LeaseTable::free_bytes() const {
  MutexLock lock(mutex_);
  return limits_.max_bytes - bytes_;
}

LeaseTable::Stats LeaseTable::stats() const {
  MutexLock lock(mutex_);
  return {leases_.size(), bytes_, expired_};
}

}  // namespace halflife
