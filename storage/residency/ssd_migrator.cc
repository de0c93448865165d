#include "storage/residency/ssd_migrator.h"

#include <algorithm>
#include <map>

#include "absl/container/flat_hash_set.h"
#include "common/killpoint.h"
#include "storage/block_store.h"

namespace halflife {
namespace {

constexpr int64_t kSecondNs = int64_t{1000} * 1000 * 1000;
constexpr int64_t kAccountPeriodNs = kSecondNs;
// Written since the start, before the database's share of it is measured.
constexpr uint64_t kLeastMeasuredBytes = uint64_t{64} << 20;

PersistedState StateOf(const BlockFacts& facts, int64_t now_ns) {
  PersistedState state;
  state.parent = facts.parent;
  state.depth = facts.depth;
  state.category = facts.category;
  state.hits = facts.hits;
  state.idle_s = static_cast<uint32_t>(
      std::clamp<int64_t>((now_ns - facts.last_touch_ns) / kSecondNs, 0, UINT32_MAX));
  return state;
}

}  // namespace

SsdMigrator::SsdMigrator(const MigrationContext& context) : context_(context) {
  // Nothing is in the index yet, so nothing in it is older than this.
  if (context_.ssd != nullptr) generations_ = context_.ssd->Generations();
}

size_t SsdMigrator::Write(absl::Span<const IndexedBlock> blocks) {
  if (context_.ssd == nullptr) return 0;
  const size_t written = WriteCollected(Collect(blocks, context_.clock->NowNanos()).writes);
  EndBatch();
  return written;
}

// Takes the references with it: when it returns, the blocks are no longer pinned by the write.
size_t SsdMigrator::WriteCollected(std::vector<SsdWrite> writes) {
  if (writes.empty()) return 0;
  HL_KILLPOINT("demote.before_write");
  const std::vector<absl::StatusOr<SsdLocation>> results = WriteWithRoom(writes);
  HL_KILLPOINT("demote.after_write");
  size_t written = 0;
  std::vector<SsdErase> garbage;
  for (size_t i = 0; i < writes.size(); ++i) {
    const BlockKey& key = writes[i].key;
    if (!results[i].ok()) {
      context_.policy->OnRemove(Tier::kSsd, key);
      context_.admission->Refund(writes[i].block.payload().size());
      Refuse(key, writes[i].state.category,
             absl::IsResourceExhausted(results[i].status()) ? AdmissionRefusal::kQuota
                                                            : AdmissionRefusal::kUnavailable);
    } else if (context_.index->AttachSsd(key, writes[i].block, *results[i])) {
      if (auto block = context_.index->Describe(key)) {
        context_.policy->OnInsert(Tier::kSsd, block->facts);
      }
      ++written;
      StoreCounters::Add(context_.counters->admission.admitted_blocks);
    } else {
      context_.policy->OnRemove(Tier::kSsd, key);
      garbage.push_back({key, *results[i]});  // deleted meanwhile
    }
  }
  HL_KILLPOINT("demote.after_index");
  Erase(garbage);
  return written;
}

SsdMigrator::Collected SsdMigrator::Collect(absl::Span<const IndexedBlock> blocks, int64_t now_ns) {
  Collected collected;
  for (const IndexedBlock& block : blocks) {
    if (block.ssd.has_value() || collected.keys.contains(block.facts.key)) continue;
    const SsdAdmission::Verdict verdict = AdmitWithAncestors(block, now_ns, &collected);
    if (verdict == SsdAdmission::Verdict::kAdmitted) continue;
    Refuse(block.facts.key, block.facts.category,
           verdict == SsdAdmission::Verdict::kCold ? AdmissionRefusal::kCold
                                                   : AdmissionRefusal::kBudget);
  }
  return collected;
}

SsdAdmission::Verdict SsdMigrator::AdmitWithAncestors(const IndexedBlock& block, int64_t now_ns,
                                                      Collected* collected) {
  SsdAdmission& admission = *context_.admission;
  SsdAdmission::Verdict verdict = admission.Judge(block.facts, now_ns);
  if (verdict != SsdAdmission::Verdict::kAdmitted) return verdict;
  std::vector<IndexedBlock> chain = {block};
  uint64_t bytes = block.facts.bytes;
  if (admission.limited()) {
    const uint64_t limit_bytes = std::min(kChainBytes, admission.AffordableBytes(now_ns));
    // Tails leave first: what carries them is still in DRAM, and may not have been written yet.
    while (chain.back().facts.parent != BlockKey{} &&
           !collected->keys.contains(chain.back().facts.parent)) {
      std::optional<IndexedBlock> parent = context_.index->Describe(chain.back().facts.parent);
      if (!parent) return SsdAdmission::Verdict::kCold;  // no prefix reaches it
      if (parent->ssd) break;
      bytes += parent->facts.bytes;
      if (bytes > limit_bytes) return SsdAdmission::Verdict::kBudget;
      chain.push_back(*std::move(parent));
    }
  }
  const bool has_room = context_.ssd->FreeBytesFor(block.facts.bytes) >= collected->bytes + bytes;
  verdict = admission.Admit(block.facts, bytes, has_room, now_ns);
  if (verdict != SsdAdmission::Verdict::kAdmitted) return verdict;
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    BlockRef dram = PinForWrite(at->facts.key);
    if (!dram) {  // deleted meanwhile
      admission.Refund(at->facts.bytes);
      continue;
    }
    // In advance, so that making room does not take the parent from under it.
    context_.policy->OnInsert(Tier::kSsd, at->facts);
    collected->bytes += at->facts.bytes;
    collected->keys.insert(at->facts.key);
    collected->writes.push_back({at->facts.key, std::move(dram), StateOf(at->facts, now_ns)});
  }
  return SsdAdmission::Verdict::kAdmitted;
}

// Announced before the reference is taken: a delete that does not see its key there finds no late
// write either.
BlockRef SsdMigrator::PinForWrite(const BlockKey& key) {
  {
    MutexLock lock(mutex_);
    writing_.push_back(key);
  }
  return context_.index->DramCopy(key);
}

std::vector<absl::StatusOr<SsdLocation>> SsdMigrator::WriteWithRoom(
    absl::Span<const SsdWrite> writes) {
  EvictFor(writes);
  std::vector<absl::StatusOr<SsdLocation>> results = context_.ssd->Write(writes);
  std::vector<size_t> full;
  std::vector<SsdWrite> again;
  uint64_t again_bytes = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!absl::IsResourceExhausted(results[i].status())) continue;
    full.push_back(i);
    again.push_back(writes[i]);
    again_bytes += writes[i].block.payload().size();
  }
  // The tier's own estimate was too good, or its partitions are filled unevenly: one more try.
  if (again.empty() || EvictBatch(again_bytes) == 0) return results;
  std::vector<absl::StatusOr<SsdLocation>> second = context_.ssd->Write(again);
  for (size_t i = 0; i < full.size(); ++i) results[full[i]] = std::move(second[i]);
  return results;
}

void SsdMigrator::EvictFor(absl::Span<const SsdWrite> writes) {
  std::map<uint64_t, uint64_t> bytes_by_size;
  for (const SsdWrite& write : writes) {
    bytes_by_size[write.block.payload().size()] += write.block.payload().size();
  }
  int rounds = 0;
  for (const auto& [size_bytes, bytes] : bytes_by_size) {
    for (; rounds < kEvictRounds; ++rounds) {
      const uint64_t free_bytes = context_.ssd->FreeBytesFor(size_bytes);
      if (free_bytes >= bytes) break;
      if (EvictBatch(bytes - free_bytes) == 0) return;
    }
  }
}

size_t SsdMigrator::EvictBatch(uint64_t wanted_bytes) {
  std::vector<SsdErase> erases;
  uint64_t freed_bytes = 0;
  // Each turn takes one block out of the policy's SSD tier.
  while (freed_bytes < wanted_bytes && erases.size() < kEvictBatchBlocks) {
    const std::optional<BlockKey> key =
        context_.policy->NextVictim(Tier::kSsd, context_.clock->NowNanos());
    if (!key) break;
    const std::optional<IndexedBlock> block = context_.index->Describe(*key);
    context_.policy->OnRemove(Tier::kSsd, *key);
    if (!block || !block->ssd || !Forget(*key, *block->ssd, EvictReason::kCapacity)) continue;
    freed_bytes += block->ssd->bytes;
    erases.push_back({*key, *block->ssd});
  }
  Erase(erases);
  return erases.size();
}

// Remembers why, so that a miss can say it if the block leaves DRAM now.
void SsdMigrator::Refuse(const BlockKey& key, Category category, AdmissionRefusal refusal) {
  context_.counters->CountRefused(refusal, category);
  if (refusal == AdmissionRefusal::kUnavailable) ++refused_for_now_;
  MissReason reason = MissReason::kUnavailable;
  if (refusal == AdmissionRefusal::kCold || refusal == AdmissionRefusal::kBudget) {
    reason = MissReason::kNotAdmitted;
  }
  if (refusal == AdmissionRefusal::kQuota) reason = MissReason::kOverQuota;
  context_.removals->Remember(key, reason, context_.clock->NowNanos());
}

bool SsdMigrator::Forget(const BlockKey& key, const SsdLocation& location, EvictReason reason) {
  const BlockIndex::Dropped dropped = context_.index->DropSsd(key, location);
  if (dropped.result != BlockIndex::DropResult::kDropped) return false;
  const IndexedBlock& block = dropped.removed.block;
  const bool corrupt = reason == EvictReason::kCorrupt;
  context_.counters->CountEvicted(Tier::kSsd, reason, block);
  if (dropped.left_node) {
    const int64_t now_ns = context_.clock->NowNanos();
    context_.removals->Remember(key, corrupt ? MissReason::kCorrupt : MissReason::kEvicted, now_ns);
    context_.counters->RecordEnd(block, now_ns, !corrupt);
  }
  return true;
}

void SsdMigrator::Erase(absl::Span<const SsdErase> erases) {
  if (erases.empty()) return;
  HL_KILLPOINT("evict.before_erase");
  context_.ssd->Erase(erases);
  HL_KILLPOINT("evict.after_erase");
}

bool SsdMigrator::EraseWanted() {
  if (wanted_.empty()) FindWanted();
  if (wanted_.empty()) return false;
  std::vector<SsdMove> moves;
  uint64_t bytes = 0;
  for (size_t i = wanted_.size(); i-- > 0 && (moves.empty() || bytes < kMoveBytes);) {
    moves.push_back(wanted_[i]);
    bytes += wanted_[i].from.bytes;
  }
  {
    MutexLock lock(mutex_);
    for (const SsdMove& move : moves) writing_.push_back(move.key);
  }
  wanted_.resize(wanted_.size() - moves.size());
  const std::vector<SsdMove> waiting = MoveOrErase(moves);
  wanted_.insert(wanted_.begin(), waiting.begin(), waiting.end());
  EndBatch();
  return waiting.size() < moves.size();
}

void SsdMigrator::FindWanted() {
  const std::vector<SsdLocation> wanted = context_.ssd->WantedBack(kWantedBatch);
  if (wanted.empty()) return;
  using Place = std::tuple<uint8_t, uint8_t, uint32_t, uint32_t>;
  absl::flat_hash_set<Place> places;
  const auto place_of = [](const SsdLocation& at) {
    return Place(at.partition, at.generation, at.file, at.slot);
  };
  for (const SsdLocation& location : wanted) places.insert(place_of(location));
  // The index cannot be asked by location: one walk over it for up to kWantedBatch answers, and
  // this is rare.
  context_.index->ForEachBlock([&](const IndexedBlock& block) {
    if (!block.ssd || !places.contains(place_of(*block.ssd))) return;
    wanted_.push_back({block.facts.key, *block.ssd});
  });
}

std::vector<SsdMove> SsdMigrator::MoveOrErase(absl::Span<const SsdMove> moves) {
  HL_KILLPOINT("demote.before_write");
  const std::vector<absl::StatusOr<SsdLocation>> results = context_.ssd->Move(moves);
  HL_KILLPOINT("demote.after_write");
  std::vector<SsdErase> erases;
  std::vector<SsdMove> waiting;
  for (size_t i = 0; i < moves.size(); ++i) {
    const auto& [key, from] = moves[i];
    const absl::StatusOr<SsdLocation>& to = results[i];
    if (to.ok()) {
      // If it was deleted meanwhile, the copy is garbage.
      const bool moved = context_.index->MoveSsd(key, from, *to);
      context_.admission->Charge(from.bytes, context_.clock->NowNanos());
      erases.push_back({key, moved ? from : *to});
    } else if (absl::IsUnavailable(to.status())) {
      waiting.push_back(
          moves[i]);  // its partition takes no writes now: erasing frees nothing either
    } else {
      const bool corrupt = absl::IsDataLoss(to.status());
      if (!Forget(key, from, corrupt ? EvictReason::kCorrupt : EvictReason::kCapacity)) continue;
      context_.policy->OnRemove(Tier::kSsd, key);
      erases.push_back({key, from});
    }
  }
  HL_KILLPOINT("demote.after_index");
  Erase(erases);
  return waiting;
}

bool SsdMigrator::IsStale(const SsdLocation& location) const {
  return location.partition >= generations_.size() ||
         location.generation != generations_[location.partition];
}

bool SsdMigrator::DropStale() {
  if (context_.ssd == nullptr) return false;
  // Whoever writes or steps the tier is this thread: what is attached from here on is of these
  // generations, so one walk finds all.
  if (std::vector<uint8_t> now = context_.ssd->Generations(); now != generations_) {
    generations_ = std::move(now);
    stale_cursor_ = {};
    dropping_stale_ = true;
  }
  if (!dropping_stale_) return false;
  for (const IndexedBlock& block : context_.index->Scan(&stale_cursor_, kStaleRecords)) {
    if (!block.ssd || !IsStale(*block.ssd)) continue;
    // Nothing to erase: the tier has forgotten it.
    if (!Forget(block.facts.key, *block.ssd, EvictReason::kCorrupt)) continue;
    context_.policy->OnRemove(Tier::kSsd, block.facts.key);
  }
  dropping_stale_ = stale_cursor_.shard != 0 || stale_cursor_.record != 0;
  return dropping_stale_;
}

void SsdMigrator::AccountForWrites() {
  SsdAdmission& admission = *context_.admission;
  if (!admission.limited()) return;
  const int64_t now_ns = context_.clock->NowNanos();
  if (now_ns - accounted_ns_ < kAccountPeriodNs) return;
  accounted_ns_ = now_ns;
  const SsdTier::Stats stats = context_.ssd->stats();
  if (stats.written_bytes >= kLeastMeasuredBytes) {
    const uint64_t device_bytes = stats.written_bytes + stats.database.flush_written_bytes +
                                  stats.database.compaction_written_bytes;
    admission.SetWriteAmplification(static_cast<double>(device_bytes) /
                                    static_cast<double>(stats.written_bytes));
  }
  const SsdAdmission::Stats figures = admission.stats(now_ns);
  StoreCounters::Admission& published = context_.counters->admission;
  published.budget_used_ratio.store(figures.budget_used_ratio, std::memory_order_relaxed);
  published.available_bytes.store(figures.available_bytes, std::memory_order_relaxed);
  published.minute_bytes.store(figures.minute_bytes, std::memory_order_relaxed);
  published.day_bytes.store(figures.day_bytes, std::memory_order_relaxed);
  published.score_threshold.store(figures.score_threshold, std::memory_order_relaxed);
  published.write_amplification.store(figures.write_amplification, std::memory_order_relaxed);
}

void SsdMigrator::AwaitWritesOf(absl::Span<const BlockKey> keys) {
  const absl::flat_hash_set<BlockKey, BlockKeyHash> wanted(keys.begin(), keys.end());
  Await([&wanted](const BlockKey& key) { return wanted.contains(key); });
}

void SsdMigrator::AwaitWritesIn(const Digest128& prefix) {
  Await([&prefix](const BlockKey& key) { return key.ns == prefix; });
}

void SsdMigrator::EndBatch() {
  {
    MutexLock lock(mutex_);
    writing_.clear();
    ++batches_ended_;
  }
  written_.NotifyAll();
}

void SsdMigrator::Await(const std::function<bool(const BlockKey&)>& waits_for) {
  MutexLock lock(mutex_);
  if (std::none_of(writing_.begin(), writing_.end(), waits_for)) return;
  // Later batches take their blocks from the index, where the delete has been: what they have of
  // these names was put since.
  const uint64_t ended = batches_ended_;
  while (batches_ended_ == ended) written_.Wait(mutex_);
}

}  // namespace halflife
