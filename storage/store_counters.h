#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/histogram.h"
#include "storage/block_store.h"
#include "storage/count_histogram.h"
#include "storage/index/block_index.h"
#include "storage/namespace_ledger.h"

namespace halflife {

using Counter = std::atomic<uint64_t>;

// What a store counts since start: relaxed atomics, added to once per request or per step, without
// any lock. Thread-safe.
struct StoreCounters {
  // By model and category: RequestStats while it is being counted.
  struct Requests {
    Counter lookups_full{0}, lookups_partial{0}, lookups_miss{0};
    std::array<Counter, kTierCount> lookup_blocks_hit{};
    std::array<Counter, kMissReasonCount> lookup_blocks_missed{};
    std::array<Counter, kTierCount> lookup_tokens_hit{};
    Counter lookup_tokens_missed{0};
    std::array<Counter, 8> put_blocks{};

    RequestStats Read() const;
  };
  struct PerCategory {
    CountHistogram matched_blocks;
    std::array<Counter, kTierCount> get_blocks{};
    std::array<Counter, kTierCount> get_bytes{};
    Counter put_bytes{0};
    std::array<std::array<Counter, kEvictReasonCount>, kTierCount> evicted_blocks{};
    std::array<std::array<Counter, kEvictReasonCount>, kTierCount> evicted_bytes{};
    std::array<Counter, kTierCount> evicted_unused_blocks{};
    std::array<Counter, kAdmissionRefusalCount> admission_refused_blocks{};
    Histogram lifespan_ms;
    Histogram reuse_gap_ms;
    Histogram idle_before_evict_ms;
    Histogram evict_reuse_gap_ms;
    CountHistogram reuses;
  };

  // Borrows the ledger, which hears of every block that leaves DRAM; may be null.
  explicit StoreCounters(NamespaceLedger* ledger = nullptr);

  // What SsdAdmission says of itself, published by the thread that uses it.
  struct Admission {
    std::atomic<double> budget_used_ratio{0};
    Counter available_bytes{0}, minute_bytes{0}, day_bytes{0};
    Counter admitted_blocks{0};
    std::atomic<double> score_threshold{0};
    std::atomic<double> write_amplification{1};

    void CopyTo(AdmissionStats* stats) const;
  };

  std::array<PerCategory, kMaxCategories> categories{};
  Admission admission;
  Counter demoted_blocks{0}, demoted_bytes{0};
  Counter demotions_refused{0};
  Counter promoted_blocks{0}, promoted_bytes{0};
  // [CallerHint::Kind][HintVerdict]
  std::array<std::array<Counter, kHintVerdictCount>, kHintKindCount> hints{};

  static void Add(Counter& counter, uint64_t amount = 1) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }

  // `model` is Namespace::model.
  Requests& RequestsOf(uint32_t model, Category category) {
    return requests_[model * kMaxCategories + category];
  }

  // A block left a tier; `block` is as it was before.
  void CountEvicted(Tier tier, EvictReason reason, const IndexedBlock& block);
  // A block that is to leave DRAM is not written to SSD.
  void CountRefused(AdmissionRefusal refusal, Category category);
  // A block left the node.
  void RecordEnd(const IndexedBlock& block, int64_t now_ns, bool evicted);

  void CopyTo(StoreStats* stats, const std::vector<std::string>& category_names,
              const std::vector<std::string>& model_names) const;

 private:
  void CopyCategory(size_t category, CategoryStats* stats) const;

  NamespaceLedger* const ledger_;
  // [model][category]
  const std::unique_ptr<Requests[]> requests_;
};

}  // namespace halflife
