#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "storage/residency/model/hash_sample.h"
#include "storage/residency/model/miniature_cache.h"

namespace halflife {

// Decides whether the model's order or recency is followed: two miniature caches on a hash sample
// of the blocks duel for hits. The model leads until recency has clearly hit more in two windows in
// a row, and comes back in the same way, so that a tie changes nothing. Not thread-safe.
class RetentionDuel {
 public:
  // Blocks that each miniature cache holds at most, about: the whole cache where it is small.
  static constexpr size_t kSampleBlocks = 8192;
  static constexpr int64_t kWindowNs = int64_t{60} * 1000 * 1000 * 1000;

  explicit RetentionDuel(const RetentionTable* table);

  // How many blocks the whole cache holds.
  void SetCapacity(size_t blocks);
  bool Samples(uint64_t id) const { return sample_.Has(id); }
  // The sampled blocks of one request, chain order.
  void Serve(absl::Span<const SampledBlock> blocks, int64_t now_ns);
  void RanksChanged() { model_.RanksChanged(); }

  bool model_leads() const { return model_leads_; }
  struct Stats {
    double model_hits = 0;  // value, exponentially forgotten
    double recency_hits = 0;
    double served = 0;  // what there was to hit
    uint64_t switches = 0;
    double sample_rate = 1;
  };
  Stats stats() const;

 private:
  void CloseWindow(int64_t now_ns);

  MiniatureCache model_;
  MiniatureCache recency_;
  HashSample sample_;
  double model_hits_ = 0;
  double recency_hits_ = 0;
  double served_ = 0;
  double squared_differences_ = 0;  // of the two, by request
  int64_t window_end_ns_ = 0;
  int windows_lost_ = 0;  // in a row, by the one that leads
  bool model_leads_ = true;
  uint64_t switches_ = 0;
};

}  // namespace halflife
