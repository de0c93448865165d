#pragma once

#include <array>
#include <vector>

#include "storage/residency/model/model_report.h"
#include "storage/residency/model/reuse_observer.h"
#include "storage/residency/model/tracked_chains.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// The policy of "KVCache Cache in the Wild" (arXiv 2506.02634, USENIX ATC'25), as a baseline and an
// option: priority = (ReuseProb(t, life), -offset), compared lexicographically, where an
// exponential is fitted per category to the reuse times of the recent past and ReuseProb is its
// mass in [age, age + life). One queue per category in last-use order; an eviction compares their
// heads. As in the published artifact, ReuseProb is not conditioned on the block having survived to
// its age. Unlike there, the fit is online, and open and evicted intervals count.
//
// Not thread-safe, like any ResidencyPolicy.
class WaPolicy final : public ResidencyPolicy, private RetentionOrder {
 public:
  struct Options {
    // The best of three horizons on a coding-agent trace; the artifact has 5 s.
    double life_s = 60;
    size_t min_ghosts = TrackedChains::kMinGhosts;
    // Floors of namespaces; borrowed, may be null.
    const NamespaceLedger* ledger = nullptr;
  };

  WaPolicy() : WaPolicy(Options()) {}
  explicit WaPolicy(const Options& options);

  void OnInsert(Tier tier, const BlockFacts& block) override;
  void OnTouch(const TouchedChain& chain) override;
  void OnRemove(Tier tier, const BlockKey& key) override;
  std::optional<BlockKey> NextVictim(Tier tier, int64_t now_ns) override;
  std::optional<BlockKey> NextVictimUnder(uint16_t limit, int64_t now_ns) override;
  void Skip(Tier tier, const BlockKey& key) override { chains_.Skip(tier, key); }
  void ClearSkips() override { chains_.ClearSkips(); }
  bool AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) override { return true; }
  ModelReport Report(int64_t now_ns) const override;

 private:
  // RetentionOrder
  int QueueOf(const TrackedBlock& block) const override { return block.category; }
  RetentionRank RankOf(Tier tier, const TrackedBlock& block, int64_t at_ns) const override;

  void RefitWhenDue(int64_t now_ns);
  void ForgetGhosts();

  const Options options_;
  ReuseObserver observer_;
  TrackedChains chains_;
  std::array<DefectiveExponential, kMaxCategories> fits_{};
  bool refitted_ = false;
  int64_t refit_due_ns_ = 0;
  int64_t now_ns_ = 0;
  std::vector<uint32_t> numbers_;  // of the request that is being learnt from
};

}  // namespace halflife
