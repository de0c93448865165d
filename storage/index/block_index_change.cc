// The changing half of BlockIndex: blocks arrive, are used and leave.

#include "common/check.h"
#include "storage/index/block_index.h"
#include "storage/index/block_index_shard.h"

namespace halflife {

BlockIndex::PutResult BlockIndex::InsertIfAbsent(const NewBlock& block, BlockRef dram) {
  PutResult result;
  Shard& shard = this->shard(block.address.key);
  MutexLock lock(shard.mutex);
  if (const Record* existing = shard.FindLocked(block.address.key)) {
    result.existing = existing->dram;
    return result;  // `dram` is freed by the caller's frame, after the lock: it is a parameter
  }
  Record* record = shard.AddLocked(block);
  record->dram = std::move(dram);
  Count(*record, Tier::kDram, 1);
  entries_.fetch_add(1, std::memory_order_relaxed);
  result.stored = true;
  return result;
}

bool BlockIndex::RestoreOnSsd(const NewBlock& block, const SsdLocation& location) {
  Shard& shard = this->shard(block.address.key);
  MutexLock lock(shard.mutex);
  if (shard.FindLocked(block.address.key) != nullptr) return false;
  Record* record = shard.AddLocked(block);
  record->ssd = location;
  record->on_ssd = true;
  Count(*record, Tier::kSsd, 1);
  entries_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

BlockRef BlockIndex::AttachDram(const BlockKey& key, const SsdLocation& location, BlockRef read,
                                bool* attached) {
  *attached = false;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr || !record->on_ssd || !(record->ssd == location)) return read;
  if (record->dram) return record->dram;
  record->dram = read;
  Count(*record, Tier::kDram, 1);
  *attached = true;
  return read;
}

bool BlockIndex::AttachSsd(const BlockKey& key, const BlockRef& written,
                           const SsdLocation& location) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  // The same slot is the same block: the caller's reference keeps the slot from being used again.
  if (record == nullptr || !record->dram ||
      record->dram.payload().data() != written.payload().data()) {
    return false;
  }
  HL_CHECK(!record->on_ssd);
  record->ssd = location;
  record->on_ssd = true;
  Count(*record, Tier::kSsd, 1);
  return true;
}

bool BlockIndex::MoveSsd(const BlockKey& key, const SsdLocation& from, const SsdLocation& to) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr || !record->on_ssd || !(record->ssd == from)) return false;
  record->ssd = to;
  return true;
}

BlockRef BlockIndex::SwapDram(const BlockKey& key, const BlockRef& from, BlockRef to) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr || !record->dram ||
      record->dram.payload().data() != from.payload().data()) {
    return BlockRef();
  }
  std::swap(record->dram, to);
  return to;
}

void BlockIndex::TouchChain(const TouchedChain& chain,
                            std::vector<std::pair<Category, int64_t>>* gaps_ns) {
  const Category category = std::min<Category>(chain.category, kMaxCategories - 1);
  for (const BlockKey& key : chain.keys) {
    Shard& shard = this->shard(key);
    MutexLock lock(shard.mutex);
    Record* record = shard.FindLocked(key);
    if (record == nullptr) continue;
    gaps_ns->emplace_back(record->category,
                          std::max<int64_t>(0, chain.now_ns - record->last_touch_ns));
    record->last_touch_ns = std::max(record->last_touch_ns, chain.now_ns);
    if (record->hits < UINT32_MAX) ++record->hits;
    if (category == kUnknownCategory || category == record->category) continue;
    if (record->dram) Count(*record, Tier::kDram, -1);
    if (record->on_ssd) Count(*record, Tier::kSsd, -1);
    record->category = category;
    if (record->dram) Count(*record, Tier::kDram, 1);
    if (record->on_ssd) Count(*record, Tier::kSsd, 1);
  }
}

BlockIndex::Dropped BlockIndex::DropDram(const BlockKey& key) {
  Dropped dropped;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr || !record->dram) return dropped;
  dropped.removed.block = shard.DescribeLocked(*record);
  // Exact under the lock: whoever gets a reference gets it from this record.
  if (!record->dram.unique()) {
    dropped.result = DropResult::kPinned;
    return dropped;
  }
  dropped.result = DropResult::kDropped;
  Count(*record, Tier::kDram, -1);
  dropped.removed.dram = std::move(record->dram);
  if (record->on_ssd) return dropped;
  dropped.left_node = true;
  shard.EraseLocked(key);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return dropped;
}

BlockIndex::Dropped BlockIndex::DropSsd(const BlockKey& key, const SsdLocation& location) {
  Dropped dropped;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr || !record->on_ssd || !(record->ssd == location)) return dropped;
  dropped.removed.block = shard.DescribeLocked(*record);
  dropped.result = DropResult::kDropped;
  Count(*record, Tier::kSsd, -1);
  record->on_ssd = false;
  record->ssd = SsdLocation{};
  if (record->dram) return dropped;
  dropped.left_node = true;
  shard.EraseLocked(key);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return dropped;
}

std::optional<RemovedBlock> BlockIndex::Remove(const BlockKey& key) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  Record* record = shard.FindLocked(key);
  if (record == nullptr) return std::nullopt;
  RemovedBlock removed;
  removed.block = shard.DescribeLocked(*record);
  if (record->dram) Count(*record, Tier::kDram, -1);
  if (record->on_ssd) Count(*record, Tier::kSsd, -1);
  removed.dram = std::move(record->dram);
  shard.EraseLocked(key);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return removed;
}

std::vector<RemovedBlock> BlockIndex::RemoveNamespace(const Digest128& prefix, int shard_number) {
  std::vector<BlockKey> keys;
  {
    Shard& shard = *shards_[shard_number];
    MutexLock lock(shard.mutex);
    for (const uint32_t number : shard.by_key) {
      const BlockKey key = shard.KeyOfLocked(shard.records[number]);
      if (key.ns == prefix) keys.push_back(key);
    }
  }
  std::vector<RemovedBlock> removed;
  for (const BlockKey& key : keys) {
    if (std::optional<RemovedBlock> one = Remove(key)) removed.push_back(*std::move(one));
  }
  return removed;
}

}  // namespace halflife
