#include "storage/lease_table.h"

#include <sys/random.h>

#include <utility>

#include "common/check.h"
#include "common/status.h"

namespace halflife {
namespace {

// From the system: an id is a capability, so it must not follow from a seed. Not by
// std::random_device, which asks the processor what it is each time it is made: 18 us in a virtual
// machine, a tenth of a call.
LeaseId RandomId() {
  LeaseId id = 0;
  while (id == 0) {
    HL_CHECK(getrandom(&id, sizeof id, 0) == static_cast<ssize_t>(sizeof id));
  }
  return id;
}

absl::Status Gone() { return absl::NotFoundError("lease: unknown or expired"); }

}  // namespace

absl::StatusOr<LeaseId> LeaseTable::Add(BlockStore::LeasedBlocks blocks, int64_t expires_ns,
                                        uint64_t owner) {
  uint64_t bytes = 0;
  for (const BlockRef& block : blocks.blocks) bytes += block ? block.arena_bytes() : 0;
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
  if (owner != 0) {
    const uint64_t owner_limit_bytes = limits_.max_bytes * limits_.owner_percent / 100;
    uint64_t& owner_bytes = owner_bytes_[owner];
    if (owner_bytes + bytes > owner_limit_bytes) {
      const uint64_t in_use_bytes = owner_bytes;
      if (in_use_bytes == 0) owner_bytes_.erase(owner);
      return absl::ResourceExhaustedError(absl::StrCat("leases: ", bytes, " bytes wanted, ",
                                                       in_use_bytes, " of ", owner_limit_bytes,
                                                       " for one owner in use"));
    }
    owner_bytes += bytes;
    ++owned_leases_;
  }
  LeaseId id = first_try;
  while (leases_.contains(id)) id = RandomId();
  leases_[id] = {std::move(shared), bytes, expires_ns, owner};
  bytes_ += bytes;
  return id;
}

absl::Status LeaseTable::Release(LeaseId id, int64_t now_ns) {
  Lease released;  // freed behind the lock
  {
    MutexLock lock(mutex_);
    auto it = leases_.find(id);
    if (it == leases_.end() || it->second.expires_ns <= now_ns) return Gone();
    released = TakeLocked(it);
  }
  return absl::OkStatus();
}

LeaseTable::Lease LeaseTable::TakeLocked(absl::flat_hash_map<LeaseId, Lease>::iterator it) {
  Lease taken = std::move(it->second);
  leases_.erase(it);
  bytes_ -= taken.bytes;
  if (taken.owner != 0) --owned_leases_;
  const auto owner = owner_bytes_.find(taken.owner);
  if (owner != owner_bytes_.end()) {
    owner->second -= taken.bytes;
    if (owner->second == 0) owner_bytes_.erase(owner);
  }
  return taken;
}

void LeaseTable::ReleaseAllOf(uint64_t owner) {
  std::vector<Lease> released;  // freed behind the lock
  MutexLock lock(mutex_);
  for (auto it = leases_.begin(); it != leases_.end();) {
    const auto one = it++;
    if (one->second.owner == owner) released.push_back(TakeLocked(one));
  }
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
      ++expired_;
      expired.push_back(TakeLocked(it++));
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
  Stats stats{.leases = leases_.size(),
              .bytes = bytes_,
              .expired = expired_,
              .owned_leases = owned_leases_,
              .owned_bytes = 0};
  for (const auto& [owner, owner_bytes] : owner_bytes_) stats.owned_bytes += owner_bytes;
  return stats;
}

}  // namespace halflife
