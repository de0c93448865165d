// LocalBlockStore: bytes for a Get. DRAM first, then one SSD read per block for all who want it.

#include <algorithm>

#include "common/killpoint.h"
#include "common/status.h"
#include "storage/local_block_store.h"

namespace halflife {
namespace {

// Blocks per call of the SSD tier: bounds the DRAM that one request fills at once.
constexpr size_t kReadBatch = 64;
// Times a read that found no DRAM waits for the background before it is a miss.
constexpr int kRoomTries = 2;

}  // namespace

BlockRef LocalBlockStore::FindInDram(const BlockAddress& address) {
  return index_.Find(address).dram;
}

std::vector<absl::StatusOr<BlockRef>> LocalBlockStore::Read(
    absl::Span<const BlockAddress> addresses) {
  std::vector<absl::StatusOr<BlockRef>> results(addresses.size(), absl::NotFoundError("no block"));
  std::vector<LedRead> led;
  std::vector<std::pair<size_t, ReadFlights::FlightRef>> followed;
  for (size_t i = 0; i < addresses.size(); ++i) {
    BlockCopies copies = index_.Find(addresses[i]);
    if (!copies.any()) continue;
    if (copies.dram) {
      results[i] = std::move(copies.dram);
      continue;
    }
    bool leads = false;
    ReadFlights::FlightRef flight = flights_.Join(addresses[i].key, &leads);
    if (!leads) {
      followed.emplace_back(i, std::move(flight));
      continue;
    }
    // A flight before ours may have ended just now: then the block is in DRAM.
    copies = index_.Find(addresses[i]);
    if (copies.ssd && !copies.dram) {
      led.push_back({i, std::move(flight), *copies.ssd});
      continue;
    }
    if (copies.dram) results[i] = std::move(copies.dram);
    flights_.Complete(addresses[i].key, flight, results[i]);
  }
  for (size_t first = 0; first < led.size(); first += kReadBatch) {
    ReadLed(addresses, absl::MakeConstSpan(led).subspan(first, kReadBatch), &results);
  }
  for (const auto& [index, flight] : followed) results[index] = flights_.Wait(flight);
  return results;
}

void LocalBlockStore::ReadLed(absl::Span<const BlockAddress> addresses,
                              absl::Span<const LedRead> led,
                              std::vector<absl::StatusOr<BlockRef>>* results) {
  std::vector<absl::StatusOr<BlockRef>> reads = ReadSsd(addresses, led);
  HL_KILLPOINT("promote.after_read");
  std::vector<BlockKey> changed;
  for (size_t i = 0; i < led.size(); ++i) {
    const BlockAddress& address = addresses[led[i].index];
    absl::StatusOr<BlockRef>& result = (*results)[led[i].index];
    result = Settle(address, led[i].location, std::move(reads[i]));
    changed.push_back(address.key);
  }
  HL_KILLPOINT("promote.after_publish");
  changes_.PushChanged(changed);
  for (const LedRead& one : led) {
    flights_.Complete(addresses[one.index].key, one.flight, (*results)[one.index]);
  }
}

std::vector<absl::StatusOr<BlockRef>> LocalBlockStore::ReadSsd(
    absl::Span<const BlockAddress> addresses, absl::Span<const LedRead> led) {
  std::vector<absl::StatusOr<BlockRef>> results(led.size(), absl::UnavailableError("not read"));
  std::vector<size_t> left(led.size());
  for (size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (int tries = 0; !left.empty() && tries <= kRoomTries; ++tries) {
    if (tries > 0) {
      // Handlers do not evict: say what is missing and let the background make room.
      for (const size_t i : left) demand_.Want(led[i].location.bytes, clock_->NowNanos());
      background_.AwaitStep(options_.put_room_wait);
      for (const size_t i : left) demand_.Unwant(led[i].location.bytes);
    }
    std::vector<SsdRead> reads;
    for (const size_t i : left) {
      const BlockAddress& address = addresses[led[i].index];
      reads.push_back({address.key, address.identity, led[i].location});
    }
    std::vector<absl::StatusOr<BlockRef>> answers = ssd_->Read(reads);
    std::vector<size_t> without_room;
    for (size_t k = 0; k < left.size(); ++k) {
      if (absl::IsResourceExhausted(answers[k].status())) without_room.push_back(left[k]);
      results[left[k]] = std::move(answers[k]);
    }
    left.swap(without_room);
  }
  return results;
}

// What a read means for the index: bytes are promoted, what is gone is forgotten, what is not there
// now is kept.
absl::StatusOr<BlockRef> LocalBlockStore::Settle(const BlockAddress& address,
                                                 const SsdLocation& location,
                                                 absl::StatusOr<BlockRef> read) {
  if (absl::IsDataLoss(read.status()) || absl::IsNotFound(read.status())) {
    DropFromSsd(address.key, location, absl::IsDataLoss(read.status()));
    return read;
  }
  if (!read.ok()) return read;
  demand_.Use(location.bytes, clock_->NowNanos());
  bool attached = false;
  BlockRef block = index_.AttachDram(address.key, location, *std::move(read), &attached);
  if (attached) {
    ledger_.Arrived(address.key.ns, location.bytes);
    StoreCounters::Add(counters_.promoted_blocks);
    StoreCounters::Add(counters_.promoted_bytes, location.bytes);
  }
  return block;
}

void LocalBlockStore::DropFromSsd(const BlockKey& key, const SsdLocation& location, bool corrupt) {
  const BlockIndex::Dropped dropped = index_.DropSsd(key, location);
  // Evicted or deleted while it was read: what the read saw says nothing about a block of ours.
  if (dropped.result != BlockIndex::DropResult::kDropped) return;
  const EvictReason reason = corrupt ? EvictReason::kCorrupt : EvictReason::kCapacity;
  counters_.CountEvicted(Tier::kSsd, reason, dropped.removed.block);
  if (dropped.left_node) {
    const int64_t now_ns = clock_->NowNanos();
    removals_.Remember(key, corrupt ? MissReason::kCorrupt : MissReason::kEvicted, now_ns);
    counters_.RecordEnd(dropped.removed.block, now_ns, false);
  }
  const SsdErase erase{key, location};
  ssd_->Erase({&erase, 1});
}

void LocalBlockStore::Touch(const ChainSlice& chain, uint32_t blocks, PartRange parts,
                            const RequestAttributes& attributes) {
  if (chain.hashes.empty()) return;
  std::vector<BlockKey> keys = KeysToTell(chain, parts);
  if (keys.empty()) return changes_.CountDroppedTouch();
  if (changes_.PushTouch(NamedBy(chain, std::move(keys), blocks, attributes))) background_.Wake();
}

// Keys of the whole chain, one part after the other.
std::vector<BlockKey> LocalBlockStore::KeysOf(const ChainSlice& chain, PartRange parts) {
  const size_t blocks = chain.hashes.size();
  std::vector<BlockKey> keys(blocks * parts.count);
  for (uint16_t p = 0; p < parts.count; ++p) {
    chain.ns->keys.KeysOf(chain.hashes, chain.group, static_cast<uint16_t>(parts.first + p),
                          absl::MakeSpan(keys).subspan(p * blocks, blocks));
  }
  return keys;
}

std::vector<BlockKey> LocalBlockStore::KeysToTell(const ChainSlice& chain, PartRange parts) const {
  if (chain.hashes.size() * parts.count > changes_.touched_keys_limit()) return {};
  return KeysOf(chain, parts);
}

// `keys` as of KeysOf; the first `used_blocks` of the chain were served.
ChangeQueue::Touch LocalBlockStore::NamedBy(const ChainSlice& chain, std::vector<BlockKey> keys,
                                            uint32_t used_blocks,
                                            const RequestAttributes& attributes) {
  const auto blocks = static_cast<uint32_t>(chain.hashes.size());
  ChangeQueue::Touch touch;
  touch.now_ns = clock_->NowNanos();
  touch.category = categories_.CategoryOf(attributes, &chain.ns->descriptor);
  touch.chain_blocks = blocks;
  touch.keys = std::move(keys);
  touch.unused_blocks = blocks - std::min(used_blocks, blocks);
  touch.first_depth = chain.first_depth;
  touch.block_tokens = chain.ns->descriptor.tokens_per_block;
  return touch;
}

void LocalBlockStore::CountGet(const NamespaceRef& ns, const RequestAttributes& attributes,
                               const SentBlocks& sent) {
  StoreCounters::PerCategory& counters =
      counters_.categories[categories_.CategoryOf(attributes, &ns->descriptor)];
  for (int tier = 0; tier < kTierCount; ++tier) {
    StoreCounters::Add(counters.get_blocks[tier], sent.blocks[tier]);
    StoreCounters::Add(counters.get_bytes[tier], sent.bytes[tier]);
  }
}

}  // namespace halflife
