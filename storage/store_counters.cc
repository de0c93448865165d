#include "storage/store_counters.h"

#include <algorithm>

namespace halflife {
namespace {

constexpr int64_t kMsNs = 1000 * 1000;

uint64_t MillisBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<uint64_t>(std::max<int64_t>(0, to_ns - from_ns) / kMsNs);
}

uint64_t Load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }

template <typename To, typename From>
void LoadAll(To& to, const From& from) {
  for (size_t i = 0; i < from.size(); ++i) to[i] = Load(from[i]);
}

template <typename Counts>
void AddAll(Counts& to, const Counts& from) {
  for (size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

template <typename Counts>
uint64_t Sum(const Counts& counts) {
  uint64_t sum = 0;
  for (const uint64_t count : counts) sum += count;
  return sum;
}

}  // namespace

bool RequestStats::any() const { return lookups() + Sum(put_blocks) > 0; }

void RequestStats::Add(const RequestStats& other) {
  lookups_full += other.lookups_full;
  lookups_partial += other.lookups_partial;
  lookups_miss += other.lookups_miss;
  AddAll(lookup_blocks_hit, other.lookup_blocks_hit);
  AddAll(lookup_blocks_missed, other.lookup_blocks_missed);
  AddAll(lookup_tokens_hit, other.lookup_tokens_hit);
  lookup_tokens_missed += other.lookup_tokens_missed;
  AddAll(put_blocks, other.put_blocks);
}

RequestStats StoreCounters::Requests::Read() const {
  RequestStats stats;
  stats.lookups_full = Load(lookups_full);
  stats.lookups_partial = Load(lookups_partial);
  stats.lookups_miss = Load(lookups_miss);
  LoadAll(stats.lookup_blocks_hit, lookup_blocks_hit);
  LoadAll(stats.lookup_blocks_missed, lookup_blocks_missed);
  LoadAll(stats.lookup_tokens_hit, lookup_tokens_hit);
  stats.lookup_tokens_missed = Load(lookup_tokens_missed);
  LoadAll(stats.put_blocks, put_blocks);
  return stats;
}

StoreCounters::StoreCounters(NamespaceLedger* ledger)
    : ledger_(ledger), requests_(new Requests[size_t{kMaxModels} * kMaxCategories]) {}

void StoreCounters::CountEvicted(Tier tier, EvictReason reason, const IndexedBlock& block) {
  const int t = static_cast<int>(tier);
  PerCategory& category = categories[block.facts.category];
  Add(category.evicted_blocks[t][static_cast<int>(reason)]);
  Add(category.evicted_bytes[t][static_cast<int>(reason)], block.facts.bytes);
  if (reason == EvictReason::kCapacity && block.facts.hits == 0) {
    Add(category.evicted_unused_blocks[t]);
  }
  if (ledger_ != nullptr && tier == Tier::kDram) {
    ledger_->Left(block.facts.key.ns, block.facts.bytes);
  }
}

void StoreCounters::CountRefused(AdmissionRefusal refusal, Category category) {
  Add(demotions_refused);
  Add(categories[category].admission_refused_blocks[static_cast<int>(refusal)]);
}

void StoreCounters::RecordEnd(const IndexedBlock& block, int64_t now_ns, bool evicted) {
  PerCategory& category = categories[block.facts.category];
  category.lifespan_ms.Record(MillisBetween(block.born_ns, block.facts.last_touch_ns));
  category.reuses.Record(block.facts.hits);
  if (evicted) {
    category.idle_before_evict_ms.Record(MillisBetween(block.facts.last_touch_ns, now_ns));
  }
}

void StoreCounters::CopyCategory(size_t category, CategoryStats* stats) const {
  const PerCategory& from = categories[category];
  for (size_t model = 0; model < kMaxModels; ++model) {
    stats->RequestStats::Add(requests_[model * kMaxCategories + category].Read());
  }
  stats->matched_blocks = from.matched_blocks.snapshot();
  LoadAll(stats->get_blocks, from.get_blocks);
  LoadAll(stats->get_bytes, from.get_bytes);
  stats->put_bytes = Load(from.put_bytes);
  for (int tier = 0; tier < kTierCount; ++tier) {
    LoadAll(stats->evicted_blocks[tier], from.evicted_blocks[tier]);
    LoadAll(stats->evicted_bytes[tier], from.evicted_bytes[tier]);
  }
  LoadAll(stats->evicted_unused_blocks, from.evicted_unused_blocks);
  LoadAll(stats->admission_refused_blocks, from.admission_refused_blocks);
  stats->lifespan_ms = from.lifespan_ms.snapshot();
  stats->reuse_gap_ms = from.reuse_gap_ms.snapshot();
  stats->idle_before_evict_ms = from.idle_before_evict_ms.snapshot();
  stats->evict_reuse_gap_ms = from.evict_reuse_gap_ms.snapshot();
  stats->reuses = from.reuses.snapshot();
}

void StoreCounters::Admission::CopyTo(AdmissionStats* stats) const {
  stats->budget_used_ratio = budget_used_ratio.load(std::memory_order_relaxed);
  stats->available_bytes = Load(available_bytes);
  stats->minute_bytes = Load(minute_bytes);
  stats->day_bytes = Load(day_bytes);
  stats->admitted_blocks = Load(admitted_blocks);
  stats->score_threshold = score_threshold.load(std::memory_order_relaxed);
  stats->write_amplification = write_amplification.load(std::memory_order_relaxed);
}

void StoreCounters::CopyTo(StoreStats* stats, const std::vector<std::string>& category_names,
                           const std::vector<std::string>& model_names) const {
  stats->demoted_blocks = Load(demoted_blocks);
  stats->demoted_bytes = Load(demoted_bytes);
  stats->demotions_refused = Load(demotions_refused);
  admission.CopyTo(&stats->admission);
  stats->promoted_blocks = Load(promoted_blocks);
  stats->promoted_bytes = Load(promoted_bytes);
  for (int kind = 0; kind < kHintKindCount; ++kind) {
    for (int verdict = 0; verdict < kHintVerdictCount; ++verdict) {
      stats->hints[kind][verdict] = Load(hints[kind][verdict]);
    }
  }
  for (size_t c = 0; c < category_names.size(); ++c) {
    CategoryStats category;
    category.name = category_names[c];
    CopyCategory(c, &category);
    for (int tier = 0; tier < kTierCount; ++tier) {
      AddAll(stats->evicted_blocks[tier], category.evicted_blocks[tier]);
      AddAll(stats->evicted_bytes[tier], category.evicted_bytes[tier]);
    }
    stats->admission.refused_blocks +=
        category.admission_refused_blocks[static_cast<int>(AdmissionRefusal::kBudget)];
    stats->categories.push_back(std::move(category));
  }
  for (size_t model = 0; model < model_names.size(); ++model) {
    for (size_t c = 0; c < category_names.size(); ++c) {
      RequestStats requests = requests_[model * kMaxCategories + c].Read();
      if (!requests.any()) continue;
      stats->models.push_back({model_names[model], category_names[c], std::move(requests)});
    }
  }
}

}  // namespace halflife
