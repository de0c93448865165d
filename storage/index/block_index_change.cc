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
  const uint32_t number = shard.AddLocked(block);
  Record& record = shard.records[number];
  record.dram = std::move(dram);
  Count(record.category, shard.PayloadBytesLocked(number), Tier::kDram, 1);
  entries_.fetch_add(1, std::memory_order_relaxed);
  result.stored = true;
  return result;
}

bool BlockIndex::RestoreOnSsd(const NewBlock& block, const SsdLocation& location) {
  Shard& shard = this->shard(block.address.key);
  MutexLock lock(shard.mutex);
  if (shard.FindLocked(block.address.key) != nullptr) return false;
  const uint32_t number = shard.AddLocked(block);
  Record& record = shard.records[number];
  record.on_ssd = true;
  shard.on_ssd[number] = {location, block.depth};
  Count(record.category, location.bytes, Tier::kSsd, 1);
  entries_.fetch_add(1, std::memory_order_relaxed);
  return true;
}

BlockRef BlockIndex::AttachDram(const BlockKey& key, const SsdLocation& location, BlockRef read,
                                bool* attached) {
  *attached = false;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0 || !shard.LiesAtLocked(number, location)) return read;
  Record& record = shard.records[number];
  if (record.dram) return record.dram;
  record.dram = read;
  Count(record.category, shard.PayloadBytesLocked(number), Tier::kDram, 1);
  *attached = true;
  return read;
}

bool BlockIndex::AttachSsd(const BlockKey& key, const BlockRef& written,
                           const SsdLocation& location) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0) return false;
  Record& record = shard.records[number];
  // The same slot is the same block: the caller's reference keeps the slot from being used again.
  if (!record.dram || record.dram.payload().data() != written.payload().data()) return false;
  HL_CHECK(!record.on_ssd);
  record.on_ssd = true;
  shard.on_ssd[number] = {location, record.dram.depth()};
  Count(record.category, location.bytes, Tier::kSsd, 1);
  return true;
}

bool BlockIndex::MoveSsd(const BlockKey& key, const SsdLocation& from, const SsdLocation& to) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0 || !shard.LiesAtLocked(number, from)) return false;
  shard.on_ssd[number].location = to;
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

void BlockIndex::CountCopies(const Record& record, uint32_t payload_bytes, int change) {
  if (record.dram) Count(record.category, payload_bytes, Tier::kDram, change);
  if (record.on_ssd) Count(record.category, payload_bytes, Tier::kSsd, change);
}

void BlockIndex::TouchChain(const TouchedChain& chain,
                            std::vector<std::pair<Category, int64_t>>* gaps_ns) {
  const Category category = std::min<Category>(chain.category, kMaxCategories - 1);
  for (const BlockKey& key : chain.keys) {
    Shard& shard = this->shard(key);
    MutexLock lock(shard.mutex);
    const uint32_t number = shard.NumberLocked(key);
    if (number == 0) continue;
    Record& record = shard.records[number];
    History& history = shard.history[number];
    gaps_ns->emplace_back(Category{record.category},
                          std::max<int64_t>(0, chain.now_ns - history.last_touch_ns()));
    history.set_last_touch_ns(std::max(history.last_touch_ns(), chain.now_ns));
    if (history.hits < History::kMaxHits) ++history.hits;
    if (category == kUnknownCategory || category == record.category) continue;
    const uint32_t payload_bytes = shard.PayloadBytesLocked(number);
    CountCopies(record, payload_bytes, -1);
    record.category = category;
    CountCopies(record, payload_bytes, 1);
  }
}

BlockIndex::Dropped BlockIndex::DropDram(const BlockKey& key) {
  Dropped dropped;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0 || !shard.records[number].dram) return dropped;
  Record& record = shard.records[number];
  dropped.removed.block = shard.DescribeLocked(number);
  // Exact under the lock: whoever gets a reference gets it from this record.
  if (!record.dram.unique()) {
    dropped.result = DropResult::kPinned;
    return dropped;
  }
  dropped.result = DropResult::kDropped;
  Count(record.category, dropped.removed.block.facts.bytes, Tier::kDram, -1);
  dropped.removed.dram = std::move(record.dram);
  if (record.on_ssd) return dropped;
  dropped.left_node = true;
  shard.EraseLocked(number);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return dropped;
}

BlockIndex::Dropped BlockIndex::DropSsd(const BlockKey& key, const SsdLocation& location) {
  Dropped dropped;
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0 || !shard.LiesAtLocked(number, location)) return dropped;
  Record& record = shard.records[number];
  dropped.removed.block = shard.DescribeLocked(number);
  dropped.result = DropResult::kDropped;
  Count(record.category, location.bytes, Tier::kSsd, -1);
  record.on_ssd = false;
  if (record.dram) return dropped;
  dropped.left_node = true;
  shard.EraseLocked(number);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return dropped;
}

std::optional<RemovedBlock> BlockIndex::Remove(const BlockKey& key) {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0) return std::nullopt;
  RemovedBlock removed;
  removed.block = shard.DescribeLocked(number);
  CountCopies(shard.records[number], removed.block.facts.bytes, -1);
  removed.dram = std::move(shard.records[number].dram);
  shard.EraseLocked(number);
  entries_.fetch_sub(1, std::memory_order_relaxed);
  return removed;
}

std::vector<RemovedBlock> BlockIndex::RemoveNamespace(const Digest128& prefix, int shard_number) {
  std::vector<BlockKey> keys;
  {
    Shard& shard = *shards_[shard_number];
    MutexLock lock(shard.mutex);
    for (uint32_t number = 1; number < shard.records.end(); ++number) {
      if (!shard.records[number].live) continue;
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
