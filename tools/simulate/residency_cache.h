#pragma once

#include <memory>
#include <vector>

#include "storage/residency/residency_policy.h"
#include "storage/residency/ssd_admission.h"
#include "tools/simulate/cache_setup.h"

namespace halflife::tools {

// Drives a ResidencyPolicy of the daemon with the requests of a trace, in the calls and the order
// in which TierMigrator does: a request names its chain, hits on SSD are promoted, missing blocks
// are inserted, then the policy names what goes, from DRAM to SSD where SsdAdmission lets it.
// Without bytes, and at once instead of in the background.
class ResidencyCache final : public SimulatedCache {
 public:
  struct Options {
    size_t dram_blocks = 0;
    size_t ssd_blocks = 0;  // 0 = no SSD tier
    uint32_t block_tokens = 0;
    SsdAdmission::Options admission;
  };
  ResidencyCache(const Options& options, std::unique_ptr<ResidencyPolicy> policy);

  size_t Serve(const SimulatedRequest& request) override;
  SsdCounts ssd_counts() const override { return ssd_counts_; }

  const ResidencyPolicy& policy() const { return *policy_; }

 private:
  struct Block {
    uint32_t parent = kNoBlock;
    uint32_t depth = 0;
    uint32_t references = 0;  // also those that missed: all but the first would hit a large cache
    Category category = kUnknownCategory;
    bool in_dram = false;
    bool on_ssd = false;
    int64_t last_touch_ns = 0;
  };

  void PutRest(absl::Span<const uint32_t> blocks, int64_t now_ns);
  void Insert(Tier tier, uint32_t block);
  void EvictFromDram(int64_t now_ns);
  SsdAdmission::Verdict WriteToSsd(uint32_t block, int64_t now_ns);
  void CountWrites(size_t blocks, int64_t now_ns);
  void EvictFromSsd(int64_t now_ns);
  BlockFacts FactsOf(uint32_t block) const;

  const Options options_;
  const std::unique_ptr<ResidencyPolicy> policy_;
  SsdAdmission admission_;
  std::vector<Block> blocks_;
  size_t dram_used_blocks_ = 0;
  size_t ssd_used_blocks_ = 0;
  SsdCounts ssd_counts_;
  int64_t minute_end_ns_ = 0;
  uint64_t in_minute_blocks_ = 0;  // written
  std::vector<BlockKey> keys_;     // of the request that is served
  std::vector<uint32_t> chain_;    // that is written: scratch
};

// Each with a daemon's policy, in one tier or two.
std::unique_ptr<SimulatedCache> MakeModelCache(const CacheSetup& setup);
// The model's order alone, without the duel that falls back to recency.
std::unique_ptr<SimulatedCache> MakeModelWithoutDuelCache(const CacheSetup& setup);
std::unique_ptr<SimulatedCache> MakeWaCache(const CacheSetup& setup);
// Recency in the daemon's own implementation.
std::unique_ptr<SimulatedCache> MakeRecencyCache(const CacheSetup& setup);

}  // namespace halflife::tools
