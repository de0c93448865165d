#pragma once

#include <memory>
#include <vector>

#include "storage/residency/model/model_report.h"
#include "storage/residency/model/retention_duel.h"
#include "storage/residency/model/retention_index.h"
#include "storage/residency/model/reuse_observer.h"
#include "storage/residency/model/tracked_chains.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// Keeps what the reuse model expects to save most per second of residence.
//
// ReuseObserver learns from every touch how soon blocks come back, given their own history and the
// request that touched them last; every 30 s RetentionTable turns that into an index per history
// group, multiplier and age; the block of lowest index, times the value of a hit of it, goes first.
// A duel of miniature caches per tier falls back to recency where the model does not pay, and until
// something has been learnt the order is recency's.
//
// Formulas and figures: docs/decisions/004-residency.md. Not thread-safe, like any ResidencyPolicy.
class ModelPolicy final : public ResidencyPolicy, private RetentionOrder {
 public:
  struct Options {
    // What a hit is worth: the recompute time that it saves, which grows with depth, or one block.
    RetentionObjective objective = RetentionObjective::kHits;
    // Off: the model's order whatever it hits.
    bool duel = true;
    // How many times the index of the block it pushes out a demoted block must have.
    double ssd_admission_margin = 1.5;
    double refit_period_s = ReuseObserver::kRefitPeriodS;
    size_t min_ghosts = TrackedChains::kMinGhosts;
    // Blocks that are in DRAM keep their copy on SSD: writes are scarcer than room.
    bool keep_ssd_copies = false;
    // Floors of namespaces; borrowed, may be null.
    const NamespaceLedger* ledger = nullptr;
  };

  explicit ModelPolicy(const Options& options);
  ~ModelPolicy() override;

  void OnInsert(Tier tier, const BlockFacts& block) override;
  void OnTouch(const TouchedChain& chain) override;
  void OnRemove(Tier tier, const BlockKey& key) override;
  bool HeedsHints() const override { return true; }
  // A release or a demotion counts until the block is touched next, a retention until its end.
  void OnHint(const HintedChain& hint) override;
  std::optional<BlockKey> NextVictim(Tier tier, int64_t now_ns) override;
  std::optional<BlockKey> NextVictimUnder(uint16_t limit, int64_t now_ns) override;
  void Skip(Tier tier, const BlockKey& key) override { chains_.Skip(tier, key); }
  void ClearSkips() override { chains_.ClearSkips(); }
  bool AdmitToDram(const BlockKey& key, int64_t now_ns) override;
  bool AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) override;
  double SsdScore(const BlockFacts& block, int64_t now_ns) override;

  std::optional<BlockStanding> StandingOf(const BlockKey& key, int64_t at_ns) const override;
  std::array<TierPrice, kTierCount> Prices(int64_t at_ns) const override;

  ModelReport Report(int64_t now_ns) const override;
  // The report's state alone.
  ModelState StateAt(int64_t now_ns) const;
  const HazardFit& fit() const { return observer_.fit(); }

 private:
  // RetentionOrder
  int QueueOf(const TrackedBlock& block) const override;
  RetentionRank RankOf(Tier tier, const TrackedBlock& block, int64_t at_ns) const override;

  bool ModelLeads(Tier tier) const;
  void BringUpToDate(Tier tier, int64_t now_ns);
  uint32_t SsdVictim(int64_t now_ns);
  double ValueOf(const TrackedBlock& block) const;
  bool IsGivenUp(Tier tier, const TrackedBlock& block) const;
  double IndexAt(Tier tier, const TrackedBlock& block, int64_t at_ns) const;
  std::optional<double> WorthKeepingS(Tier tier, const TrackedBlock& block, int64_t at_ns) const;
  void NotePrice(Tier tier, const TrackedBlock& victim);
  void RefitWhenDue(int64_t now_ns);
  uint32_t NameBlocks(const TouchedChain& chain);
  void LearnFrom(const TouchedChain& chain);
  void EndIntervals();
  void LearnValue(const TouchedChain& chain);
  void TouchBlock(uint32_t n, int64_t now_ns);
  void FightDuels(const TouchedChain& chain);
  void EndRetentions();
  void ForgetGhosts();

  const Options options_;
  ReuseObserver observer_;
  RetentionTable table_;
  TrackedChains chains_;
  std::array<std::unique_ptr<RetentionDuel>, kTierCount> duels_;
  std::array<bool, kTierCount> led_{};  // by the model, when ranks were last taken
  std::array<bool, kTierCount> has_evicted_{};
  std::array<double, kTierCount> prices_{};  // index of what had to go, a moving mean
  double dram_stay_s_ = 0;                   // how long a block stays in DRAM after its last touch
  std::vector<double> value_per_depth_;      // by namespace number
  bool refitted_ = false;
  uint64_t fitted_reuses_ = 0;  // that the fit in use was learnt from
  int64_t refit_due_ns_ = 0;
  int64_t now_ns_ = 0;
  int64_t retentions_ended_ = 0;  // steps of HintMark::kRetainStepNs

  // Of the request that is being learnt from: scratch, kept for its memory.
  std::vector<uint32_t> numbers_;
  std::vector<SampledBlock> sampled_;
};

}  // namespace halflife
