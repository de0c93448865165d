#include "storage/index/block_index.h"

#include <array>
#include <cstring>
#include <numeric>

#include "common/check.h"
#include "storage/index/block_index_shard.h"

namespace halflife {
namespace {

constexpr Digest128 kNoParent{};

// In line: as arrays they are compared by a call to memcmp, 512 times per look-up.
bool AreSame(const BlockHash& a, const BlockHash& b) {
  std::array<uint64_t, 4> words_a, words_b;
  std::memcpy(words_a.data(), a.bytes.data(), sizeof words_a);
  std::memcpy(words_b.data(), b.bytes.data(), sizeof words_b);
  uint64_t different = 0;
  for (int i = 0; i < 4; ++i) different |= words_a[i] ^ words_b[i];
  return different == 0;
}

}  // namespace

BlockIndex::Record* BlockIndex::Shard::AddLocked(const NewBlock& block) {
  const BlockKey& key = block.address.key;
  const uint32_t number = records.Add();
  Record& record = records[number];
  record.block = key.block;
  record.parent = block.parent.block;
  record.prefix = prefixes.Acquire(key.ns);
  record.hash = block.address.identity.hash;
  record.group = block.address.identity.group;
  record.part = block.address.identity.part;
  record.depth = block.depth;
  record.hits = block.hits;
  record.category = std::min<Category>(block.category, kMaxCategories - 1);
  record.last_touch_ns = block.last_touch_ns;
  record.born_ticks = Record::TicksOf(block.born_ns);
  record.live = true;
  by_key.insert(number);
  return &record;
}

void BlockIndex::Shard::EraseLocked(const BlockKey& key) {
  auto it = by_key.find(key);
  HL_CHECK(it != by_key.end());
  const uint32_t number = *it;
  HL_CHECK(!records[number].dram);
  by_key.erase(it);
  prefixes.Release(records[number].prefix);
  records.Free(number);
}

IndexedBlock BlockIndex::Shard::DescribeLocked(const Record& record) const {
  IndexedBlock block;
  block.facts.key = KeyOfLocked(record);
  if (record.parent != kNoParent) block.facts.parent = {block.facts.key.ns, record.parent};
  block.facts.depth = record.depth;
  block.facts.bytes = record.payload_bytes();
  block.facts.category = record.category;
  block.facts.hits = record.hits;
  block.facts.last_touch_ns = record.last_touch_ns;
  block.born_ns = record.born_ticks * Record::kTickNs;
  block.in_dram = static_cast<bool>(record.dram);
  block.pinned = record.dram && !record.dram.unique();
  if (record.on_ssd) block.ssd = record.ssd;
  return block;
}

BlockIndex::BlockIndex() {
  for (std::unique_ptr<Shard>& shard : shards_) shard = std::make_unique<Shard>();
}

BlockIndex::~BlockIndex() = default;

void BlockIndex::Count(const Record& record, Tier tier, int change) {
  const int t = static_cast<int>(tier);
  const int64_t bytes = int64_t{change} * record.payload_bytes();
  category_blocks_[record.category][t].fetch_add(static_cast<uint64_t>(int64_t{change}),
                                                 std::memory_order_relaxed);
  bytes_[t].fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
}

BlockCopies BlockIndex::Find(const BlockAddress& address) const {
  BlockCopies copies;
  Shard& shard = this->shard(address.key);
  MutexLock lock(shard.mutex);
  const Record* record = shard.FindLocked(address.key);
  if (record == nullptr || !record->Is(address.identity)) return copies;
  copies.dram = record->dram;
  if (record->on_ssd) copies.ssd = record->ssd;
  return copies;
}

std::vector<BlockIndex::Residency> BlockIndex::Where(const Question& question) const {
  std::vector<Residency> answers(question.keys.size());
  for (size_t first = 0; first < answers.size(); first += kWhereBatch) {
    Question batch = question;
    batch.keys = question.keys.subspan(first, kWhereBatch);
    batch.hashes = question.hashes.subspan(first, kWhereBatch);
    WhereOfBatch(batch, absl::MakeSpan(answers).subspan(first, kWhereBatch));
  }
  return answers;
}

// Ordered by shard: each lock is taken once, and the places of all its keys are on their way from
// memory before the first one is looked at.
void BlockIndex::WhereOfBatch(const Question& question, absl::Span<Residency> answers) const {
  std::array<uint16_t, kShards + 1> starts{};
  for (const BlockKey& key : question.keys) ++starts[ShardOf(key) + 1];
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  std::array<uint16_t, kWhereBatch> order;
  std::array<uint16_t, kShards + 1> next = starts;
  for (size_t i = 0; i < question.keys.size(); ++i) {
    order[next[ShardOf(question.keys[i])]++] = static_cast<uint16_t>(i);
  }
  for (int s = 0; s < kShards; ++s) {
    if (starts[s] == starts[s + 1]) continue;
    Shard& shard = *shards_[s];
    MutexLock lock(shard.mutex);
    for (int n = starts[s]; n < starts[s + 1]; ++n) shard.by_key.prefetch(question.keys[order[n]]);
    for (int n = starts[s]; n < starts[s + 1]; ++n) {
      const uint16_t i = order[n];
      const Record* record = shard.FindLocked(question.keys[i]);
      if (record == nullptr || !AreSame(record->hash, question.hashes[i]) ||
          record->group != question.group || record->part != question.part) {
        continue;
      }
      answers[i] = {static_cast<bool>(record->dram), record->on_ssd};
    }
  }
}

std::optional<IndexedBlock> BlockIndex::Describe(const BlockKey& key) const {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const Record* record = shard.FindLocked(key);
  if (record == nullptr) return std::nullopt;
  return shard.DescribeLocked(*record);
}

bool BlockIndex::Contains(const BlockKey& key) const {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  return shard.FindLocked(key) != nullptr;
}

BlockRef BlockIndex::DramCopy(const BlockKey& key) const {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const Record* record = shard.FindLocked(key);
  return record == nullptr ? BlockRef() : record->dram;
}

std::vector<IndexedBlock> BlockIndex::Scan(Cursor* cursor, size_t limit) const {
  std::vector<IndexedBlock> found;
  size_t visited = 0;  // also free records: the work of a call is bounded, not only its answer
  while (visited < limit && cursor->shard < kShards) {
    Shard& shard = *shards_[cursor->shard];
    MutexLock lock(shard.mutex);
    for (; visited < limit && cursor->record < shard.records.end(); ++cursor->record, ++visited) {
      if (cursor->record == 0) continue;
      const Record& record = shard.records[cursor->record];
      if (record.live) found.push_back(shard.DescribeLocked(record));
    }
    if (cursor->record >= shard.records.end()) *cursor = {cursor->shard + 1, 0};
  }
  if (cursor->shard >= kShards) *cursor = {};
  return found;
}

std::vector<std::pair<BlockKey, BlockRef>> BlockIndex::DramCopies(int shard_number) const {
  std::vector<std::pair<BlockKey, BlockRef>> copies;
  Shard& shard = *shards_[shard_number];
  MutexLock lock(shard.mutex);
  for (const uint32_t number : shard.by_key) {
    const Record& record = shard.records[number];
    if (record.dram) copies.emplace_back(shard.KeyOfLocked(record), record.dram);
  }
  return copies;
}

BlockIndex::Totals BlockIndex::totals() const {
  Totals totals;
  for (int t = 0; t < kTierCount; ++t) {
    for (size_t c = 0; c < kMaxCategories; ++c) {
      totals.category_blocks[c][t] = category_blocks_[c][t].load(std::memory_order_relaxed);
      totals.blocks[t] += totals.category_blocks[c][t];
    }
    totals.bytes[t] = bytes_[t].load(std::memory_order_relaxed);
  }
  totals.entries = entries_.load(std::memory_order_relaxed);
  return totals;
}

size_t BlockIndex::memory_bytes() const {
  size_t bytes = 0;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    MutexLock lock(shard->mutex);
    bytes += sizeof(Shard) + shard->records.memory_bytes() +
             shard->by_key.capacity() * (sizeof(uint32_t) + 1);
  }
  return bytes;
}

}  // namespace halflife
