#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "storage/residency/model/hash_sample.h"
#include "storage/residency/model/model_report.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// A candidate configuration in miniature: a residency policy of its own over the names of a hash
// sample of the blocks, as many as the live policy holds of that sample. What it hits is what a
// whole cache under the candidate would hit (miniature simulation, Waldspurger et al., ATC'17).
// Nothing is counted before it has filled up. Not thread-safe.
class ShadowCache {
 public:
  ShadowCache(std::string name, std::unique_ptr<ResidencyPolicy> policy);

  // The sampled blocks of one request, of which the live policy had the first `live_hits`. It holds
  // `capacity_blocks` of the sample, without those of this request that are still to come.
  void Serve(const TouchedChain& sampled, size_t live_hits, size_t capacity_blocks);
  // What is no longer in the sample goes.
  void Thin(const HashSample& sample);

  // Without the sample's rate.
  ShadowReport Report(int64_t now_ns) const;

 private:
  size_t Hits(const TouchedChain& sampled) const;
  void Hold(const TouchedChain& sampled);
  void EvictDownTo(size_t capacity_blocks, int64_t now_ns);
  void Count(const TouchedChain& sampled, size_t live_hits, size_t shadow_hits);

  std::unique_ptr<ResidencyPolicy> policy_;
  absl::flat_hash_set<BlockKey, BlockKeyHash> held_;
  bool is_full_ = false;  // has evicted
  ShadowReport counted_;
  // Half of it counts after kRecentHalfLifeS.
  double recent_blocks_ = 0, recent_live_hits_ = 0, recent_shadow_hits_ = 0;
  int64_t counted_ns_ = 0;
};

}  // namespace halflife
