// LocalBlockStore: what is here, and promises about it.

#include <algorithm>

#include "common/limits.h"
#include "common/status.h"
#include "storage/local_block_store.h"

namespace halflife {
namespace {

enum class Residency : uint8_t { kMissing, kDram, kSsd };

constexpr uint32_t kPinBatch = 32;
constexpr uint64_t kPageBytes = 4096;

LookupResult Summarise(absl::Span<const Residency> blocks) {
  LookupResult result;
  result.bitmap.assign((blocks.size() + 7) / 8, 0);
  bool whole = true;
  for (uint32_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i] == Residency::kMissing) {
      whole = false;
      continue;
    }
    if (whole) ++result.prefix_blocks;
    result.bitmap[i / 8] |= static_cast<uint8_t>(1 << (i % 8));
    const Tier tier = blocks[i] == Residency::kDram ? Tier::kDram : Tier::kSsd;
    if (result.runs.empty() || result.runs.back().tier != tier ||
        result.runs.back().first + result.runs.back().count != i) {
      result.runs.push_back({i, 0, tier});
    }
    ++result.runs.back().count;
  }
  return result;
}

// Seen before, and gone by nobody's choice of what to keep.
bool IsLoss(MissReason reason) {
  return reason == MissReason::kExpired || reason == MissReason::kCorrupt ||
         reason == MissReason::kUnavailable;
}

absl::Duration LeaseDuration(absl::Duration wanted) {
  if (wanted <= absl::ZeroDuration()) return kDefaultLease;
  return std::min(wanted, kMaxLease);
}

}  // namespace

LookupResult LocalBlockStore::ResidencyOf(const ChainSlice& chain, PartRange parts,
                                          absl::Span<const BlockKey> keys) const {
  const size_t count = chain.hashes.size();
  std::vector<Residency> blocks(count, parts.count == 0 ? Residency::kMissing : Residency::kDram);
  for (uint16_t p = 0; p < parts.count; ++p) {
    const auto part = static_cast<uint16_t>(parts.first + p);
    std::vector<BlockKey> own_keys;
    if (keys.empty()) own_keys = KeysOf(chain, {.first = part, .count = 1});
    const std::vector<BlockIndex::Residency> where =
        index_.Where({.keys = keys.empty() ? own_keys : keys.subspan(p * count, count),
                      .hashes = chain.hashes,
                      .group = chain.group,
                      .part = part});
    for (size_t i = 0; i < count; ++i) {
      if (where[i].dram || blocks[i] == Residency::kMissing) continue;
      blocks[i] = where[i].ssd ? Residency::kSsd : Residency::kMissing;
    }
  }
  LookupResult result = Summarise(blocks);
  result.miss_reason = ReasonOfFirstMiss(chain, parts, result);
  return result;
}

MissReason LocalBlockStore::ReasonOfFirstMiss(const ChainSlice& chain, PartRange parts,
                                              const LookupResult& result) const {
  const uint32_t first_missing = result.prefix_blocks;
  if (first_missing >= chain.hashes.size()) return MissReason::kNone;
  for (uint16_t p = 0; p < parts.count; ++p) {
    const BlockAddress address =
        AddressOf(chain, first_missing, static_cast<uint16_t>(parts.first + p));
    const MissReason reason = removals_.ReasonOf(address.key);
    if (reason != MissReason::kNeverSeen && !index_.Contains(address.key)) return reason;
  }
  const bool elsewhere = first_missing == 0 && IsInAnotherNamespace(chain);
  return elsewhere ? MissReason::kWrongNamespace : MissReason::kNeverSeen;
}

// Whether a namespace of the same tenant has the first block: then the caller's descriptor differs
// from that of whoever put it, in a field that its hashes do not cover. Asked only where nothing of
// a prefix is known, and costs 70 ns per sibling (key and look at an empty index, -O1, 2 cores).
// Never looks across tenants: nobody learns what another one has.
bool LocalBlockStore::IsInAnotherNamespace(const ChainSlice& chain) const {
  // Halflife's own hashes begin with the namespace: they are equal nowhere else.
  if (chain.ns->descriptor.hash_scheme == HashScheme::kHalflife) return false;
  for (const NamespaceRef& sibling : namespaces_.SiblingsOf(*chain.ns)) {
    if (index_.Contains(sibling->keys.KeyOf(chain.hashes[0], chain.group, 0))) return true;
  }
  return false;
}

void LocalBlockStore::CountLookup(const ChainSlice& chain, const LookupResult& result,
                                  const RequestAttributes& attributes) {
  const size_t asked = chain.hashes.size();
  const uint64_t block_tokens = chain.ns->descriptor.tokens_per_block;
  const Category category = categories_.CategoryOf(attributes, &chain.ns->descriptor);
  StoreCounters::Requests& counters = counters_.RequestsOf(chain.ns->model, category);
  counters_.categories[category].matched_blocks.Record(result.prefix_blocks);
  if (result.prefix_blocks == asked) {
    StoreCounters::Add(counters.lookups_full);
  } else if (result.prefix_blocks > 0) {
    StoreCounters::Add(counters.lookups_partial);
  } else {
    StoreCounters::Add(counters.lookups_miss);
  }
  for (const LookupResult::Run& run : result.runs) {
    if (run.first >= result.prefix_blocks) break;
    const uint32_t blocks = std::min(run.count, result.prefix_blocks - run.first);
    StoreCounters::Add(counters.lookup_blocks_hit[static_cast<int>(run.tier)], blocks);
    StoreCounters::Add(counters.lookup_tokens_hit[static_cast<int>(run.tier)],
                       blocks * block_tokens);
  }
  const uint64_t missed = asked - result.prefix_blocks;
  if (missed == 0) return;
  StoreCounters::Add(counters.lookup_blocks_missed[static_cast<int>(result.miss_reason)], missed);
  StoreCounters::Add(counters.lookup_tokens_missed, missed * block_tokens);
}

void LocalBlockStore::TellLookedUp(const ChainSlice& chain, std::vector<BlockKey> keys,
                                   const LookupResult& found, uint32_t used_blocks,
                                   const RequestAttributes& attributes) {
  const size_t asked = chain.hashes.size();
  if (asked == 0) return;
  if (keys.empty()) return changes_.CountDroppedTouch();
  const uint64_t parts = keys.size() / asked;
  ChangeQueue::Touch touch = NamedBy(chain, std::move(keys), used_blocks, attributes);
  touch.found_blocks = found.prefix_blocks;
  touch.lost = IsLoss(found.miss_reason);
  touch.block_bytes = chain.ns->descriptor.block_bytes * parts;
  if (found.prefix_blocks < asked) {
    misses_.Add({.time_ns = touch.now_ns,
                 .ns = chain.ns->id,
                 .hash = chain.hashes[found.prefix_blocks],
                 .group = chain.group,
                 .depth = chain.first_depth + found.prefix_blocks,
                 .hit_blocks = found.prefix_blocks,
                 .missed_blocks = static_cast<uint32_t>(asked) - found.prefix_blocks,
                 .category = touch.category,
                 .reason = found.miss_reason});
  }
  if (changes_.PushTouch(std::move(touch))) background_.Wake();
}

LookupResult LocalBlockStore::Lookup(const ChainSlice& chain, PartRange parts,
                                     const RequestAttributes& attributes) {
  std::vector<BlockKey> keys = KeysToTell(chain, parts);
  LookupResult result = ResidencyOf(chain, parts, keys);
  CountLookup(chain, result, attributes);
  // No touch: but what is used or put next belongs to this request.
  TellLookedUp(chain, std::move(keys), result, 0, attributes);
  return result;
}

PinnedLookup LocalBlockStore::Pin(const ChainSlice& chain, PartRange parts,
                                  const RequestAttributes& attributes,
                                  absl::Duration lease_duration) {
  PinnedLookup pinned;
  std::vector<BlockKey> keys = KeysToTell(chain, parts);
  pinned.lookup = ResidencyOf(chain, parts, keys);
  const uint64_t block_bytes =
      (chain.ns->descriptor.block_bytes + kPageBytes - 1) / kPageBytes * kPageBytes * parts.count;
  const uint64_t room_blocks = block_bytes == 0 ? 0 : leases_.free_bytes() / block_bytes;
  const auto wanted_blocks =
      static_cast<uint32_t>(std::min<uint64_t>(pinned.lookup.prefix_blocks, room_blocks));
  absl::Status stopped_by;
  LeasedBlocks leased{chain.ns, parts, ReadPrefix(chain, parts, wanted_blocks, &stopped_by)};
  if (absl::IsDataLoss(stopped_by) || absl::IsNotFound(stopped_by)) {
    pinned.lookup = ResidencyOf(chain, parts, keys);  // without what turned out to be gone
  }
  CountLookup(chain, pinned.lookup, attributes);
  if (leased.blocks.empty()) {
    TellLookedUp(chain, std::move(keys), pinned.lookup, 0, attributes);
    return pinned;
  }

  const uint32_t blocks = static_cast<uint32_t>(leased.blocks.size() / parts.count);
  const absl::Duration duration = LeaseDuration(lease_duration);
  const int64_t expires_ns = clock_->NowNanos() + absl::ToInt64Nanoseconds(duration);
  const absl::StatusOr<LeaseId> lease = leases_.Add(std::move(leased), expires_ns);
  TellLookedUp(chain, std::move(keys), pinned.lookup, lease.ok() ? blocks : 0, attributes);
  if (!lease.ok()) return pinned;
  pinned.lease = *lease;
  pinned.pinned_blocks = blocks;
  pinned.lease_duration = duration;
  return pinned;
}

// Leading blocks with all parts, in DRAM and held; `stopped_by` is why it is not all of them.
std::vector<BlockRef> LocalBlockStore::ReadPrefix(const ChainSlice& chain, PartRange parts,
                                                  uint32_t blocks, absl::Status* stopped_by) {
  std::vector<BlockRef> held;
  held.reserve(size_t{blocks} * parts.count);
  for (uint32_t first = 0; first < blocks; first += kPinBatch) {
    std::vector<BlockAddress> addresses;
    for (uint32_t i = first; i < std::min(blocks, first + kPinBatch); ++i) {
      for (uint16_t p = 0; p < parts.count; ++p) {
        addresses.push_back(AddressOf(chain, i, static_cast<uint16_t>(parts.first + p)));
      }
    }
    for (absl::StatusOr<BlockRef>& read : Read(addresses)) {
      if (!read.ok()) {
        *stopped_by = read.status();
        held.resize(held.size() / parts.count * parts.count);
        return held;
      }
      held.push_back(*std::move(read));
    }
  }
  return held;
}

absl::Status LocalBlockStore::Release(LeaseId lease) {
  return leases_.Release(lease, clock_->NowNanos());
}

absl::StatusOr<absl::Duration> LocalBlockStore::Renew(LeaseId lease, absl::Duration duration) {
  const absl::Duration granted = LeaseDuration(duration);
  const int64_t now_ns = clock_->NowNanos();
  HL_RETURN_IF_ERROR(leases_.Renew(lease, now_ns, now_ns + absl::ToInt64Nanoseconds(granted)));
  return granted;
}

absl::StatusOr<BlockStore::LeasedBlocks> LocalBlockStore::Leased(LeaseId lease) {
  return leases_.Find(lease, clock_->NowNanos());
}

}  // namespace halflife
