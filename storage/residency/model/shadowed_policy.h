#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "storage/residency/model/shadow_cache.h"

namespace halflife {

// A live policy, and beside it candidates on a hash sample of the blocks: Report says what each
// would have hit, before anyone switches. The live one decides alone and never sees the others.
// Candidates stand for one tier as large as all that the live policy holds.
//
// Costs a look at each block of a request, and for those in the sample a policy per candidate: 17
// MB at most and, where everything is in the sample, as much time as the live one. Not thread-safe.
class ShadowedPolicy final : public ResidencyPolicy {
 public:
  // Blocks in the sample that the live policy may hold; above it the sample is halved. A hit ratio
  // from 8,192 blocks is within a point of the exact one (SHARDS with as many samples: within half
  // a point, on the Mooncake chat trace and a coding-agent trace).
  static constexpr size_t kSampleBlocks = 16'384;

  struct Candidate {
    std::string name;
    std::unique_ptr<ResidencyPolicy> policy;
  };
  ShadowedPolicy(std::unique_ptr<ResidencyPolicy> live, std::vector<Candidate> candidates,
                 size_t sample_blocks = kSampleBlocks);

  void OnInsert(Tier tier, const BlockFacts& block) override;
  void OnTouch(const TouchedChain& chain) override;
  void OnRemove(Tier tier, const BlockKey& key) override;
  // Of the live policy alone: candidates are judged by what requests show.
  bool HeedsHints() const override { return live_->HeedsHints(); }
  void OnHint(const HintedChain& hint) override { live_->OnHint(hint); }
  std::optional<BlockKey> NextVictim(Tier tier, int64_t now_ns) override;
  std::optional<BlockKey> NextVictimUnder(uint16_t limit, int64_t now_ns) override {
    return live_->NextVictimUnder(limit, now_ns);
  }
  void Skip(Tier tier, const BlockKey& key) override { live_->Skip(tier, key); }
  void ClearSkips() override { live_->ClearSkips(); }
  bool AdmitToDram(const BlockKey& key, int64_t now_ns) override {
    return live_->AdmitToDram(key, now_ns);
  }
  bool AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) override;
  double SsdScore(const BlockFacts& block, int64_t now_ns) override {
    return live_->SsdScore(block, now_ns);
  }
  ModelReport Report(int64_t now_ns) const override;
  std::optional<BlockStanding> StandingOf(const BlockKey& key, int64_t at_ns) const override {
    return live_->StandingOf(key, at_ns);
  }
  std::array<TierPrice, kTierCount> Prices(int64_t at_ns) const override {
    return live_->Prices(at_ns);
  }

 private:
  void Thin();

  const std::unique_ptr<ResidencyPolicy> live_;
  std::vector<ShadowCache> shadows_;
  const size_t sample_blocks_;
  HashSample sample_;
  // Of the sampled blocks that the live policy holds: the tiers, as bits.
  absl::flat_hash_map<BlockKey, uint8_t, BlockKeyHash> held_;
  std::vector<BlockKey> keys_;  // scratch
};

}  // namespace halflife
