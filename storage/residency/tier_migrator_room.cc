// The DRAM half of TierMigrator: keeps room ahead of the requests.

#include <algorithm>
#include <cstring>

#include "absl/container/flat_hash_set.h"
#include "storage/block_store.h"
#include "storage/residency/tier_migrator.h"

namespace halflife {
namespace {

// The part of a ceiling that is kept free ahead of Puts, as with the tier itself: where several are
// under way, each finds room for its block when it ends.
constexpr uint64_t kCeilingParts = 32;

// What other sizes may not take of the free memory of those in use, together: a part of the budget.
// Where blocks are so large that one of each is more, each has its share of it.
constexpr uint64_t kReservedParts = 8;

}  // namespace

// Also for what came from SSD: it came without being asked whether it may.
bool TierMigrator::KeepCeilings() {
  if (context_.ledger == nullptr) return false;
  bool more = false;
  for (uint16_t limit = 1; limit < context_.ledger->limits(); ++limit) {
    const uint64_t ahead_bytes = context_.ledger->RuleOf(limit).max_bytes / kCeilingParts;
    const uint64_t excess_bytes = context_.ledger->ExcessWith(limit, ahead_bytes);
    if (excess_bytes > 0) more |= EvictUnder(limit, excess_bytes) > 0;
  }
  return more;
}

bool TierMigrator::KeepRoom() {
  bool more = false;
  const uint64_t budget_bytes = context_.arena->stats().budget_bytes;
  std::vector<RoomDemand::Size> sizes = demand_->Snapshot(context_.clock->NowNanos());
  std::erase_if(sizes, [&](const RoomDemand::Size& size) {
    return size.payload_bytes > budget_bytes;  // not with all of DRAM
  });
  SetReserves(sizes);
  for (const RoomDemand::Size& size : sizes) {
    // However many wait: what they get is needed by others as well, and they cannot all be served
    // in one step.
    const uint64_t wanted_bytes = std::min(size.wanted_bytes, budget_bytes / 4);
    const uint64_t target_bytes = std::min(budget_bytes, std::max(AheadBytes(size), wanted_bytes));
    if (context_.arena->FreeBytesFor(size.payload_bytes) < target_bytes) {
      more |= MakeRoomFor(size, target_bytes);
    }
  }
  return more;
}

uint64_t TierMigrator::AheadBytes(const RoomDemand::Size& size) const {
  // Room for a size that nobody uses now would be taken from one that is used, slab by slab, and
  // back from there, again and again.
  if (size.bytes_per_s == 0 && size.wanted_bytes == 0) return 0;
  const auto budget = static_cast<double>(context_.arena->stats().budget_bytes);
  const auto ahead_bytes = static_cast<uint64_t>(
      std::min(std::max(size.bytes_per_s * options_.free_ahead_s, kLeastFreeRatio * budget),
               options_.free_target_ratio * budget));
  return std::max(ahead_bytes, size.payload_bytes);
}

// A size in use keeps what is free for it: else two sizes would pass one slab to and fro.
void TierMigrator::SetReserves(absl::Span<const RoomDemand::Size> sizes) {
  const auto most = static_cast<double>(context_.arena->stats().budget_bytes / kReservedParts);
  std::vector<DramArena::Reserve> reserves;
  double all = 0;
  for (const RoomDemand::Size& size : sizes) {
    const uint64_t bytes = AheadBytes(size);
    if (bytes == 0) continue;
    reserves.push_back({.payload_bytes = size.payload_bytes, .bytes = bytes});
    all += static_cast<double>(bytes);
  }
  for (DramArena::Reserve& reserve : reserves) {
    if (all > most) {
      reserve.bytes = static_cast<uint64_t>(static_cast<double>(reserve.bytes) * most / all);
    }
  }
  context_.arena->SetReserves(reserves);
}

// Returns true if there is more to do and it went forward.
bool TierMigrator::MakeRoomFor(const RoomDemand::Size& size, uint64_t target_bytes) {
  for (int round = 0; round < kRoundsPerStep; ++round) {
    const uint64_t free_bytes = context_.arena->FreeBytesFor(size.payload_bytes);
    if (free_bytes >= target_bytes) return false;
    if (EmptyASlabFor(size.payload_bytes)) continue;
    if (EvictFromDram(target_bytes - free_bytes) > 0) continue;
    // Nothing may go now. Rather than that somebody waits in vain, until the next step nothing is
    // kept for those who may come.
    if (size.wanted_bytes > 0 && free_bytes < size.payload_bytes) context_.arena->SetReserves({});
    return false;
  }
  return true;
}

// --- Eviction

size_t TierMigrator::EvictFromDram(uint64_t wanted_bytes) {
  const int64_t now_ns = context_.clock->NowNanos();
  return Evict(wanted_bytes, [&] { return context_.policy->NextVictim(Tier::kDram, now_ns); });
}

size_t TierMigrator::EvictUnder(uint16_t limit, uint64_t wanted_bytes) {
  const int64_t now_ns = context_.clock->NowNanos();
  return Evict(wanted_bytes, [&] { return context_.policy->NextVictimUnder(limit, now_ns); });
}

size_t TierMigrator::Evict(uint64_t wanted_bytes, const NameVictim& next) {
  const std::vector<IndexedBlock> victims = TakeVictims(wanted_bytes, next);
  if (victims.empty()) return 0;
  writer_.Write(victims);
  return DropVictims(victims);
}

// Takes victims out of the policy's DRAM tier, so that it can name their parents next: tails before
// heads.
std::vector<IndexedBlock> TierMigrator::TakeVictims(uint64_t wanted_bytes, const NameVictim& next) {
  const uint64_t limit_bytes = std::min(wanted_bytes, kBatchBytes);
  std::vector<IndexedBlock> victims;
  uint64_t bytes = 0;
  int skips = 0;
  while (victims.size() < kBatchBlocks && bytes < limit_bytes && skips < kSkipsPerBatch) {
    const std::optional<BlockKey> key = next();
    if (!key) break;
    const std::optional<IndexedBlock> block = context_.index->Describe(*key);
    if (!block || !block->in_dram) {
      Reconcile(*key, block);
      continue;
    }
    if (block->pinned) {
      context_.policy->Skip(Tier::kDram, *key);
      ++skips;
      continue;
    }
    context_.policy->OnRemove(Tier::kDram, *key);
    bytes += block->facts.bytes;
    victims.push_back(*block);
  }
  return victims;
}

// In the order in which they were named. A block that somebody holds now stays, and with it its
// ancestors.
size_t TierMigrator::DropVictims(absl::Span<const IndexedBlock> victims) {
  absl::flat_hash_set<BlockKey, BlockKeyHash> kept;
  size_t dropped_blocks = 0;
  for (const IndexedBlock& victim : victims) {
    const BlockKey& key = victim.facts.key;
    BlockIndex::Dropped dropped;
    if (!kept.contains(key)) dropped = context_.index->DropDram(key);
    if (kept.contains(key) || dropped.result == BlockIndex::DropResult::kPinned) {
      context_.policy->OnInsert(Tier::kDram, victim.facts);
      context_.policy->Skip(Tier::kDram, key);
      kept.insert(victim.facts.parent);
      continue;
    }
    if (dropped.result == BlockIndex::DropResult::kGone) continue;  // deleted meanwhile
    ++dropped_blocks;
    const IndexedBlock& block = dropped.removed.block;
    context_.counters->CountEvicted(Tier::kDram, EvictReason::kCapacity, block);
    if (dropped.left_node) {
      const int64_t now_ns = context_.clock->NowNanos();
      // Why it is not on SSD, if the writer has tried.
      const MissReason refused = context_.removals->ReasonOf(key);
      context_.removals->Remember(
          key, refused == MissReason::kNeverSeen ? MissReason::kEvicted : refused, now_ns);
      context_.counters->RecordEnd(block, now_ns, true);
    } else {
      StoreCounters::Add(context_.counters->demoted_blocks);
      StoreCounters::Add(context_.counters->demoted_bytes, block.facts.bytes);
    }
  }
  return dropped_blocks;
}

// --- Memory from one block size to another

// Where another size has a slab's worth of free slots beyond its reserve, empties one of its slabs:
// the memory is then for anybody.
bool TierMigrator::EmptyASlabFor(uint64_t payload_bytes) {
  const DramArena::SlabPressure slab = context_.arena->MostWastefulSlab(payload_bytes);
  if (slab.class_index < 0) return false;
  context_.arena->RetireSlab(slab);
  std::vector<BlockKey> keys;
  for (int shard = 0; shard < BlockIndex::kShards && keys.size() < slab.blocks_in_use; ++shard) {
    for (const auto& [key, block] : context_.index->DramCopies(shard)) {
      if (context_.arena->InSlab(block, slab)) keys.push_back(key);
    }
  }
  for (const BlockKey& key : keys) MoveOut(key);
  return true;
}

void TierMigrator::MoveOut(const BlockKey& key) {
  const std::optional<IndexedBlock> block = context_.index->Describe(key);
  // A pinned block stays: its slab is handed back when the last holder lets go.
  if (!block || !block->in_dram || block->pinned) return;
  const BlockRef from = context_.index->DramCopy(key);
  if (!from) return;
  absl::StatusOr<BlockBuffer> buffer = context_.arena->Allocate(from.payload().size());
  if (!buffer.ok()) return;
  // A copy of block bytes: the price of taking memory from a size that does not need it.
  std::memcpy(buffer->bytes().data(), from.payload().data(), from.payload().size());
  context_.index->SwapDram(key, from, (*std::move(buffer)).Seal(from.header()));
}

}  // namespace halflife
