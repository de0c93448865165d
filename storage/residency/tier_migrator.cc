#include "storage/residency/tier_migrator.h"

#include <algorithm>
#include <tuple>

#include "absl/container/flat_hash_set.h"
#include "common/killpoint.h"
#include "common/log.h"
#include "common/strings.h"
#include "storage/block_store.h"
#include "storage/residency/arrived_chains.h"

namespace halflife {
namespace {

constexpr int64_t kSkipPeriodNs = int64_t{100} * 1000 * 1000;
constexpr int64_t kMsNs = 1000 * 1000;
constexpr int64_t kSweepNsPerRecord = 50'000;
constexpr int64_t kSweepPauseNs = 1000 * kMsNs;  // between walks
constexpr absl::Duration kDrainPause = absl::Milliseconds(20);

}  // namespace

TierMigrator::TierMigrator(const Options& options, const MigrationContext& context,
                           ChangeQueue* changes, RoomDemand* demand)
    : options_(options), context_(context), changes_(changes), demand_(demand), writer_(context) {}

bool TierMigrator::Step() {
  ApplyChanges();
  const int64_t now_ns = context_.clock->NowNanos();
  if (now_ns - skips_cleared_ns_ >= kSkipPeriodNs) {
    context_.policy->ClearSkips();
    skips_cleared_ns_ = now_ns;
  }
  bool more = KeepCeilings();
  more |= KeepRoom();
  if (context_.ssd != nullptr) {
    more |= writer_.EraseWanted();
    more |= context_.ssd->Step();
    more |= writer_.DropStale();  // last, so that a step that finds nothing more leaves none
    writer_.AccountForWrites();
  }
  more |= catching_up_;
  SweepWhenDue(now_ns);
  return more || !changes_->empty();
}

// --- Facts for the policy

void TierMigrator::ApplyChanges() {
  const ChangeQueue::Batch batch = changes_->Take();
  // Requests before the blocks that they put: a policy knows then what is coming.
  for (const ChangeQueue::Touch& touch : batch.touches) ApplyTouch(touch);
  ApplyPuts(batch.put);
  for (const BlockKey& key : batch.changed) Reconcile(key);
  // Behind the blocks that they are about.
  for (const ChangeQueue::Hint& hint : batch.hints) ApplyHint(hint);
  if (batch.overflowed) {
    catching_up_ = true;
    sweep_cursor_ = {};
  }
}

void TierMigrator::ApplyPuts(absl::Span<const BlockKey> keys) {
  const int64_t now_ns = context_.clock->NowNanos();
  ArrivedChains without_lookup;
  for (const BlockKey& key : keys) {
    if (const std::optional<TouchedChain> request = requests_.Arrived(key, now_ns)) {
      if (!request->keys.empty()) context_.policy->OnTouch(*request);
    } else if (const std::optional<IndexedBlock> block = context_.index->Describe(key)) {
      without_lookup.Add(block->facts);
    }
  }
  for (const ArrivedChains::Chain& chain : without_lookup.chains()) {
    context_.policy->OnTouch({.now_ns = now_ns,
                              .category = chain.category,
                              .keys = chain.keys,
                              .first_depth = chain.first_depth});
  }
  for (const BlockKey& key : keys) Reconcile(key);
}

bool TierMigrator::IsWorthItsPlace(const BlockKey& key) {
  if (context_.ssd != nullptr) return true;
  const int64_t now_ns = context_.clock->NowNanos();
  const std::optional<TouchedChain> request = requests_.Arrived(key, now_ns);
  if (!request) return true;
  if (!request->keys.empty()) context_.policy->OnTouch(*request);
  return context_.policy->AdmitToDram(key, now_ns);
}

void TierMigrator::ApplyHint(const ChangeQueue::Hint& hint) {
  const absl::Span<const BlockKey> keys = hint.keys;
  for (size_t first = 0; first < keys.size(); first += hint.chain_blocks) {
    context_.policy->OnHint({.now_ns = hint.now_ns,
                             .kind = hint.kind,
                             .keys = keys.subspan(first, hint.chain_blocks),
                             .until_ns = hint.until_ns});
  }
}

void TierMigrator::ApplyTouch(const ChangeQueue::Touch& touch) {
  if (context_.sample != nullptr && touch.found_blocks != ChangeQueue::Touch::kNoLookup) {
    context_.sample->Add({.now_ns = touch.now_ns,
                          .category = touch.category,
                          .keys = absl::MakeConstSpan(touch.keys).subspan(0, touch.chain_blocks),
                          .hit_blocks = touch.found_blocks,
                          .block_tokens = touch.block_tokens,
                          .block_bytes = touch.block_bytes,
                          .lost = touch.lost});
  }
  std::vector<std::pair<Category, int64_t>> gaps_ns;
  for (size_t first = 0; first < touch.keys.size(); first += touch.chain_blocks) {
    TouchedChain named{.now_ns = touch.now_ns,
                       .category = touch.category,
                       .keys = absl::MakeConstSpan(touch.keys).subspan(first, touch.chain_blocks),
                       .first_depth = touch.first_depth,
                       .block_tokens = touch.block_tokens};
    // With a pin or without: what is put next belongs to this request.
    if (touch.found_blocks != ChangeQueue::Touch::kNoLookup) requests_.LookedUp(named);
    if (touch.unused_blocks >= touch.chain_blocks) continue;
    TouchedChain used = named;
    used.keys.remove_suffix(touch.unused_blocks);
    context_.index->TouchChain(used, &gaps_ns);
    const TouchedChain request = requests_.Used(named);
    if (!request.keys.empty()) context_.policy->OnTouch(request);
  }
  for (const auto& [category, gap_ns] : gaps_ns) {
    context_.counters->categories[category].reuse_gap_ms.Record(gap_ns / kMsNs);
  }
}

void TierMigrator::Reconcile(const BlockKey& key) { Reconcile(key, context_.index->Describe(key)); }

void TierMigrator::Reconcile(const BlockKey& key, const std::optional<IndexedBlock>& block) {
  if (block && block->ssd) {
    context_.policy->OnInsert(Tier::kSsd, block->facts);
  } else {
    context_.policy->OnRemove(Tier::kSsd, key);
  }
  if (block && block->in_dram) {
    BlockFacts facts = block->facts;
    // A promotion is a use; the touch that tells the index so comes behind it.
    if (block->ssd) facts.last_touch_ns = context_.clock->NowNanos();
    context_.policy->OnInsert(Tier::kDram, facts);
  } else {
    context_.policy->OnRemove(Tier::kDram, key);
  }
}

// --- Sweep

size_t TierMigrator::SweepAll() {
  ApplyChanges();
  size_t dropped = 0;
  sweep_cursor_ = {};
  while (!SweepSome(kSweepRecords, &dropped)) {
  }
  catching_up_ = false;
  return dropped;
}

// Unless the policy lost something, at a pace of about 20,000 blocks and 20 ms of processor time
// per second, as many in each step as have become due.
void TierMigrator::SweepWhenDue(int64_t now_ns) {
  if (!catching_up_ && now_ns < sweep_due_ns_) return;
  const auto due = static_cast<size_t>((now_ns - sweep_due_ns_) / kSweepNsPerRecord) + 1;
  size_t dropped = 0;
  const bool at_end =
      SweepSome(catching_up_ ? kSweepRecords : std::min(due, kSweepRecords), &dropped);
  if (at_end) catching_up_ = false;
  sweep_due_ns_ = now_ns + (at_end ? kSweepPauseNs : kSweepNsPerRecord);
}

// Returns true when the walk has come to its end.
bool TierMigrator::SweepSome(size_t records, size_t* dropped) {
  std::vector<BlockKey> unreachable;
  const int64_t now_ns = context_.clock->NowNanos();
  for (const IndexedBlock& block : context_.index->Scan(&sweep_cursor_, records)) {
    const BlockKey& key = block.facts.key;
    // As it is now: the scan's answer may be old already.
    Reconcile(key);
    if (block.facts.parent == BlockKey{} || context_.index->Contains(block.facts.parent)) continue;
    if (sweep_.IsUnreachable(key, now_ns) && !block.pinned) unreachable.push_back(key);
  }
  DropUnreachable(unreachable);
  *dropped += unreachable.size();
  const bool at_end = sweep_cursor_.shard == 0 && sweep_cursor_.record == 0;
  if (at_end) sweep_.EndPass();
  return at_end;
}

void TierMigrator::DropUnreachable(absl::Span<const BlockKey> keys) {
  std::vector<SsdErase> erases;
  const int64_t now_ns = context_.clock->NowNanos();
  for (const BlockKey& key : keys) {
    const std::optional<RemovedBlock> removed = context_.index->Remove(key);
    if (!removed) continue;
    const IndexedBlock& block = removed->block;
    Reconcile(key, std::nullopt);
    context_.removals->Remember(key, MissReason::kEvicted, now_ns);
    context_.counters->RecordEnd(block, now_ns, false);
    if (block.in_dram) {
      context_.counters->CountEvicted(Tier::kDram, EvictReason::kUnreachable, block);
    }
    if (!block.ssd) continue;
    context_.counters->CountEvicted(Tier::kSsd, EvictReason::kUnreachable, block);
    erases.push_back({key, *block.ssd});
  }
  writer_.Erase(erases);
}

// --- Drain

void TierMigrator::Drain(const Clock& clock, int64_t deadline_ns) {
  if (context_.ssd == nullptr) return;
  ApplyChanges();
  while (writer_.DropStale()) {
  }
  std::vector<IndexedBlock> unwritten = ToDrain();
  const size_t blocks = unwritten.size();
  // A partition whose database has to catch up refuses writes for a moment: what it refused is
  // offered again.
  Mutex mutex;
  CondVar nobody;
  while (DrainPass(clock, deadline_ns, &unwritten)) {
    MutexLock lock(mutex);
    nobody.WaitFor(mutex, kDrainPause);
  }
  Log(Severity::kInfo, "store",
      StrCat("stopping: ", blocks - unwritten.size(), " of ", blocks,
             " blocks that were in DRAM alone are on SSD"));
}

// Leaves those that are still to be written. Returns true if part of them was refused for the
// moment only, and time is left.
bool TierMigrator::DrainPass(const Clock& clock, int64_t deadline_ns,
                             std::vector<IndexedBlock>* unwritten) {
  const uint64_t refused_before = writer_.refused_for_now();
  const size_t blocks = unwritten->size();
  bool late = false;
  for (size_t next = 0; next < blocks;) {
    late = clock.NowNanos() >= deadline_ns;
    if (late) break;
    size_t end = next;
    uint64_t bytes = 0;
    while (end < blocks && end - next < kBatchBlocks && bytes < kBatchBytes) {
      bytes += (*unwritten)[end++].facts.bytes;
    }
    const size_t written = writer_.Write(absl::MakeConstSpan(*unwritten).subspan(next, end - next));
    HL_KILLPOINT("drain.middle");
    // Nothing goes any more: quota or a broken medium. Under a budget, the next may be better.
    if (written == 0 && !context_.admission->limited()) break;
    next = end;
  }
  std::erase_if(*unwritten, [&](const IndexedBlock& block) {
    const std::optional<IndexedBlock> now = context_.index->Describe(block.facts.key);
    return now.has_value() && now->ssd.has_value();
  });
  if (late || writer_.refused_for_now() == refused_before) return false;
  return unwritten->size() < blocks || context_.ssd->stats().database.slowed_partitions > 0;
}

// What is in DRAM alone, in the order in which it is to be written. A tail on SSD is worth nothing
// without its head: blocks that one on SSD stands on go first. Then those that were touched last;
// heads before tails.
std::vector<IndexedBlock> TierMigrator::ToDrain() const {
  std::vector<IndexedBlock> unwritten;
  absl::flat_hash_set<BlockKey, BlockKeyHash> keys;
  context_.index->ForEachBlock([&](const IndexedBlock& block) {
    if (!block.in_dram || block.ssd) return;
    keys.insert(block.facts.key);
    unwritten.push_back(block);
  });
  absl::flat_hash_set<BlockKey, BlockKeyHash> carrying;
  context_.index->ForEachBlock([&](const IndexedBlock& block) {
    if (block.ssd && keys.contains(block.facts.parent)) carrying.insert(block.facts.parent);
  });
  std::sort(unwritten.begin(), unwritten.end(), [](const IndexedBlock& a, const IndexedBlock& b) {
    return a.facts.depth > b.facts.depth;
  });
  for (const IndexedBlock& block : unwritten) {
    if (carrying.contains(block.facts.key)) carrying.insert(block.facts.parent);
  }
  const auto rank = [&](const IndexedBlock& block) {
    return std::tuple(!carrying.contains(block.facts.key), -block.facts.last_touch_ns,
                      block.facts.depth);
  };
  std::sort(unwritten.begin(), unwritten.end(),
            [&](const IndexedBlock& a, const IndexedBlock& b) { return rank(a) < rank(b); });
  return unwritten;
}

}  // namespace halflife
