// BlockStore and LocalBlockStore: what processes of the same machine need to use the arena in
// place.

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "storage/local_block_store.h"

namespace halflife {

absl::StatusOr<LeaseId> BlockStore::Lease(LeasedBlocks /*blocks*/, absl::Duration /*duration*/,
                                          uint64_t /*owner*/) {
  return absl::UnimplementedError("store: nothing to share");
}

void BlockStore::ReleaseAllOf(uint64_t /*owner*/) {}

BlockStore::SharedPlace BlockStore::PlaceOf(const BlockRef& /*block*/) const { return {}; }

absl::StatusOr<LeaseId> LocalBlockStore::Lease(LeasedBlocks blocks, absl::Duration duration,
                                               uint64_t owner) {
  const absl::Duration granted = std::min(duration, kMaxLease);
  return leases_.Add(std::move(blocks), clock_->NowNanos() + absl::ToInt64Nanoseconds(granted),
                     owner);
}

void LocalBlockStore::ReleaseAllOf(uint64_t owner) { leases_.ReleaseAllOf(owner); }

ArenaShare LocalBlockStore::Share() const { return arena_->share(); }

BlockStore::SharedPlace LocalBlockStore::PlaceOf(const BlockRef& block) const {
  return {.offset = arena_->OffsetOf(block), .generation = arena_->GenerationOf(block)};
}

}  // namespace halflife
