#include "storage/index/block_index.h"

#include <array>
#include <numeric>

#include "common/check.h"
#include "storage/index/block_index_shard.h"

namespace halflife {
namespace {

constexpr Digest128 kNoParent{};

}  // namespace

uint32_t BlockIndex::Shard::AddLocked(const NewBlock& block) {
  const BlockKey& key = block.address.key;
  const uint32_t number = records.Add();
  Record& record = records[number];
  record.block = key.block;
  record.prefix = prefixes.Acquire(key.ns);
  record.identity_tag = Record::TagOf(block.address.identity);
  record.category = std::min<Category>(block.category, kMaxCategories - 1);
  record.born_ticks = Record::TicksOf(block.born_ns);
  record.live = true;
  if (number == this->history.end()) this->history.Add();
  History& history = this->history[number];
  history.parent = block.parent.block;
  history.hits = std::min(block.hits, History::kMaxHits);
  history.set_last_touch_ns(block.last_touch_ns);
  by_key.Insert(key.Head(), number);
  return number;
}

void BlockIndex::Shard::EraseLocked(uint32_t number) {
  HL_CHECK(!records[number].dram);
  by_key.Erase(KeyOfLocked(records[number]).Head(), number);
  prefixes.Release(records[number].prefix);
  records.Free(number);
}

bool BlockIndex::Shard::IsLocked(uint32_t number, const BlockIdentity& wanted) const {
  const Record& record = records[number];
  return record.identity_tag == Record::TagOf(wanted) && (!record.dram || record.dram.Is(wanted));
}

uint32_t BlockIndex::Shard::PayloadBytesLocked(uint32_t number) const {
  const Record& record = records[number];
  return record.dram ? static_cast<uint32_t>(record.dram.payload().size())
                     : on_ssd.Get(number).location.bytes;
}

IndexedBlock BlockIndex::Shard::DescribeLocked(uint32_t number) const {
  const Record& record = records[number];
  IndexedBlock block;
  block.facts.key = KeyOfLocked(record);
  const History& history = this->history[number];
  if (history.parent != kNoParent) block.facts.parent = {block.facts.key.ns, history.parent};
  block.facts.depth = record.on_ssd ? on_ssd.Get(number).depth : record.dram.depth();
  block.facts.bytes = PayloadBytesLocked(number);
  block.facts.category = record.category;
  block.facts.hits = static_cast<uint32_t>(history.hits);
  block.facts.last_touch_ns = history.last_touch_ns();
  block.born_ns = record.born_ticks * Record::kTickNs;
  block.in_dram = static_cast<bool>(record.dram);
  block.pinned = record.dram && !record.dram.unique();
  if (record.on_ssd) block.ssd = on_ssd.Get(number).location;
  return block;
}

BlockIndex::BlockIndex() {
  for (std::unique_ptr<Shard>& shard : shards_) shard = std::make_unique<Shard>();
}

BlockIndex::~BlockIndex() = default;

void BlockIndex::Count(Category category, uint32_t payload_bytes, Tier tier, int change) {
  const int t = static_cast<int>(tier);
  const int64_t bytes = int64_t{change} * payload_bytes;
  category_blocks_[category][t].fetch_add(static_cast<uint64_t>(int64_t{change}),
                                          std::memory_order_relaxed);
  bytes_[t].fetch_add(static_cast<uint64_t>(bytes), std::memory_order_relaxed);
}

BlockCopies BlockIndex::Find(const BlockAddress& address) const {
  BlockCopies copies;
  Shard& shard = this->shard(address.key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(address.key);
  if (number == 0 || !shard.IsLocked(number, address.identity)) return copies;
  copies.dram = shard.records[number].dram;
  if (shard.records[number].on_ssd) copies.ssd = shard.on_ssd.Get(number).location;
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

// What is asked of each shard.
struct BlockIndex::ByShard {
  const Question& question;
  std::array<uint16_t, kShards + 1> starts{};  // of each shard's keys in `order`
  std::array<uint16_t, kWhereBatch> order;     // positions in the question
  std::array<uint32_t, kWhereBatch> guess;     // by position: what FetchRecords found; 0 = nothing

  explicit ByShard(const Question& question) : question(question) {
    for (const BlockKey& key : question.keys) ++starts[ShardOf(key) + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    std::array<uint16_t, kShards + 1> next = starts;
    for (size_t i = 0; i < question.keys.size(); ++i) {
      order[next[ShardOf(question.keys[i])]++] = static_cast<uint16_t>(i);
    }
  }
  // Empty for numbers that are no shard's.
  absl::Span<const uint16_t> Of(int shard) const {
    if (shard < 0 || shard >= kShards) return {};
    return absl::MakeConstSpan(order).subspan(starts[shard], starts[shard + 1] - starts[shard]);
  }
};

// A Lookup costs the cache lines that it misses. So each shard is visited three times, with others
// in between: the places of its keys, then their records, have come from memory when they are
// looked at. 3 shards ahead are some 24 keys of a long chain on their way.
void BlockIndex::WhereOfBatch(const Question& question, absl::Span<Residency> answers) const {
  constexpr int kAhead = 3;
  ByShard asked(question);
  for (int s = 0; s < kShards + 2 * kAhead; ++s) {
    FetchPlaces(s, asked);
    FetchRecords(s - kAhead, &asked);
    Answer(s - 2 * kAhead, asked, answers);
  }
}

void BlockIndex::FetchPlaces(int s, const ByShard& asked) const {
  const absl::Span<const uint16_t> positions = asked.Of(s);
  if (positions.empty()) return;
  Shard& shard = *shards_[s];
  MutexLock lock(shard.mutex);
  for (const uint16_t i : positions) shard.by_key.Prefetch(asked.question.keys[i].Head());
}

void BlockIndex::FetchRecords(int s, ByShard* asked) const {
  const absl::Span<const uint16_t> positions = asked->Of(s);
  if (positions.empty()) return;
  Shard& shard = *shards_[s];
  MutexLock lock(shard.mutex);
  for (const uint16_t i : positions) {
    asked->guess[i] = shard.by_key.Guess(asked->question.keys[i].Head());
    if (asked->guess[i] != 0) Prefetch(&shard.records[asked->guess[i]]);
  }
}

void BlockIndex::Answer(int s, const ByShard& asked, absl::Span<Residency> answers) const {
  const absl::Span<const uint16_t> positions = asked.Of(s);
  if (positions.empty()) return;
  const Question& question = asked.question;
  Shard& shard = *shards_[s];
  MutexLock lock(shard.mutex);
  for (const uint16_t i : positions) {
    if (asked.guess[i] == 0) continue;
    const Record* const record = shard.FindLocked(question.keys[i], asked.guess[i]);
    if (record == nullptr ||
        record->identity_tag != Record::TagOf(question.hashes[i], question.group, question.part)) {
      continue;
    }
    answers[i] = {static_cast<bool>(record->dram), record->on_ssd};
  }
}

std::optional<IndexedBlock> BlockIndex::Describe(const BlockKey& key) const {
  Shard& shard = this->shard(key);
  MutexLock lock(shard.mutex);
  const uint32_t number = shard.NumberLocked(key);
  if (number == 0) return std::nullopt;
  return shard.DescribeLocked(number);
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
      if (shard.records[cursor->record].live) {
        found.push_back(shard.DescribeLocked(cursor->record));
      }
    }
    if (cursor->record >= shard.records.end()) *cursor = {cursor->shard + 1, 0};
  }
  if (cursor->shard >= kShards) *cursor = {};
  return found;
}

void BlockIndex::ForEachBlock(absl::FunctionRef<void(const IndexedBlock&)> visit) const {
  constexpr size_t kPieceRecords = 4096;
  Cursor cursor;
  do {
    for (const IndexedBlock& block : Scan(&cursor, kPieceRecords)) visit(block);
  } while (cursor.shard != 0 || cursor.record != 0);
}

std::vector<std::pair<BlockKey, BlockRef>> BlockIndex::DramCopies(int shard_number) const {
  std::vector<std::pair<BlockKey, BlockRef>> copies;
  Shard& shard = *shards_[shard_number];
  MutexLock lock(shard.mutex);
  for (uint32_t number = 1; number < shard.records.end(); ++number) {
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
    bytes += sizeof(Shard) + shard->records.memory_bytes() + shard->history.memory_bytes() +
             shard->on_ssd.memory_bytes() + shard->by_key.memory_bytes();
  }
  return bytes;
}

}  // namespace halflife
