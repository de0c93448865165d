// LocalBlockStore: what is here, and promises about it.

#include <algorithm>

#include "common/limits.h"
#include "common/status.h"
#include "storage/local_block_store.h"

namespace halflife {
namespace {

enum class Residency : uint8_t { kMissing, kDram, kSsd };

// Blocks per look at the index: bounds what is derived and locked at a time.
constexpr uint32_t kLookupBatch = 256;
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

absl::Duration LeaseDuration(absl::Duration wanted) {
  if (wanted <= absl::ZeroDuration()) return kDefaultLease;
  return std::min(wanted, kMaxLease);
}

}  // namespace

LookupResult LocalBlockStore::ResidencyOf(const ChainSlice& chain, PartRange parts) const {
  std::vector<Residency> blocks(chain.hashes.size(), Residency::kMissing);
  std::vector<BlockAddress> addresses;
  const uint32_t count = static_cast<uint32_t>(chain.hashes.size());
  for (uint32_t first = 0; first < count; first += kLookupBatch) {
    const uint32_t end = std::min(count, first + kLookupBatch);
    addresses.clear();
    for (uint32_t i = first; i < end; ++i) {
      for (uint16_t p = 0; p < parts.count; ++p) {
        addresses.push_back(AddressOf(chain, i, static_cast<uint16_t>(parts.first + p)));
      }
    }
    const std::vector<BlockIndex::Residency> where = index_.Where(addresses);
    for (uint32_t i = first; i < end; ++i) {
      Residency slowest = Residency::kDram;
      for (uint16_t p = 0; p < parts.count && slowest != Residency::kMissing; ++p) {
        const BlockIndex::Residency& one = where[size_t{i - first} * parts.count + p];
        if (!one.dram) slowest = one.ssd ? Residency::kSsd : Residency::kMissing;
      }
      blocks[i] = parts.count == 0 ? Residency::kMissing : slowest;
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
  return MissReason::kNeverSeen;
}

void LocalBlockStore::CountLookup(const LookupResult& result, size_t asked,
                                  const RequestAttributes& attributes) {
  StoreCounters::PerCategory& counters = CountersOf(attributes);
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
  }
  const uint64_t missed = asked - result.prefix_blocks;
  if (missed == 0) return;
  StoreCounters::Add(counters.lookup_blocks_missed[static_cast<int>(result.miss_reason)], missed);
}

LookupResult LocalBlockStore::Lookup(const ChainSlice& chain, PartRange parts,
                                     const RequestAttributes& attributes) {
  LookupResult result = ResidencyOf(chain, parts);
  CountLookup(result, chain.hashes.size(), attributes);
  return result;
}

PinnedLookup LocalBlockStore::Pin(const ChainSlice& chain, PartRange parts,
                                  const RequestAttributes& attributes,
                                  absl::Duration lease_duration) {
  PinnedLookup pinned;
  pinned.lookup = ResidencyOf(chain, parts);
  const uint64_t block_bytes =
      (chain.ns->descriptor.block_bytes + kPageBytes - 1) / kPageBytes * kPageBytes * parts.count;
  const uint64_t room_blocks = block_bytes == 0 ? 0 : leases_.free_bytes() / block_bytes;
  const auto wanted_blocks =
      static_cast<uint32_t>(std::min<uint64_t>(pinned.lookup.prefix_blocks, room_blocks));
  absl::Status stopped_by;
  LeasedBlocks leased{chain.ns, parts, ReadPrefix(chain, parts, wanted_blocks, &stopped_by)};
  if (absl::IsDataLoss(stopped_by) || absl::IsNotFound(stopped_by)) {
    pinned.lookup = ResidencyOf(chain, parts);  // without what turned out to be gone
  }
  CountLookup(pinned.lookup, chain.hashes.size(), attributes);
  if (leased.blocks.empty()) return pinned;

  const uint32_t blocks = static_cast<uint32_t>(leased.blocks.size() / parts.count);
  const absl::Duration duration = LeaseDuration(lease_duration);
  const int64_t expires_ns = clock_->NowNanos() + absl::ToInt64Nanoseconds(duration);
  const absl::StatusOr<LeaseId> lease = leases_.Add(std::move(leased), expires_ns);
  if (!lease.ok()) return pinned;
  Touch(chain, blocks, parts, attributes);
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
