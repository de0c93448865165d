#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "storage/residency/block_standing.h"

namespace halflife {

struct ModelReport;

enum class Tier : uint8_t { kDram = 0, kSsd = 1 };
inline constexpr int kTierCount = 2;

// What the index knows about a block and a policy may use. Facts, not opinions.
struct BlockFacts {
  BlockKey key;
  BlockKey parent;  // all zero for a first block
  uint32_t depth = 0;
  uint32_t bytes = 0;  // payload of this part
  Category category = kUnknownCategory;
  uint32_t hits = 0;
  int64_t last_touch_ns = 0;  // Clock time
};

// One request named these blocks of one chain, first block first: those that are here, which it
// used, and those that were missing, which it may put next.
struct TouchedChain {
  int64_t now_ns = 0;
  Category category = kUnknownCategory;
  absl::Span<const BlockKey> keys;
  uint32_t first_depth = 0;   // of keys[0]
  uint32_t block_tokens = 0;  // of each block; 0 = not known
  // Below 1: the keys are only this share of the request's blocks, those of a hash sample.
  double sampled_share = 1;

  uint32_t DepthOf(size_t index) const {
    if (sampled_share == 1) return first_depth + static_cast<uint32_t>(index);
    return first_depth + static_cast<uint32_t>(static_cast<double>(index) / sampled_share);
  }
};

// What a caller knows of the future of a chain that requests do not show.
enum class HintKind : uint8_t {
  kRelease,  // its session is over: nobody is expected to come back to it
  kDemote,   // nobody is expected for a while: memory is too dear for it
  kRetain,   // somebody is expected before `until_ns`
};

// A hint on blocks of one chain, first block first.
struct HintedChain {
  int64_t now_ns = 0;
  HintKind kind = HintKind::kRelease;
  absl::Span<const BlockKey> keys;
  int64_t until_ns = 0;  // of kRetain
};

// Recompute time that a hit of a block at `depth` saves, in units of a first block's. A token costs
// 2 * parameters FLOPs plus 4 * layers * hidden FLOPs per token before it; both are equal at 27,000
// (Llama-2-7B) to 38,000 tokens of prefix (Qwen2.5-7B): 35,000 stands for the 7B class.
inline constexpr double kTokensThatDoubleTheCost = 35'000;
inline double RecomputeValue(uint32_t depth, uint32_t block_tokens) {
  return 1.0 + static_cast<double>(depth) * block_tokens / kTokensThatDoubleTheCost;
}

// What a hit is worth: the recompute time that it saves, which grows with depth, or one block.
enum class RetentionObjective : uint8_t { kTime, kHits };

// Decides what stays. Pure: no clock, no lock, no I/O; the same code runs in the daemon and in the
// simulator. Used by one thread at a time. TierMigrator feeds it facts and carries out what it
// decides.
class ResidencyPolicy {
 public:
  virtual ~ResidencyPolicy() = default;

  // A block is in the tier now. Where a request named it, OnTouch came before.
  virtual void OnInsert(Tier tier, const BlockFacts& block) = 0;
  virtual void OnTouch(const TouchedChain& chain) = 0;
  virtual void OnRemove(Tier tier, const BlockKey& key) = 0;
  // Enters the score, where there is one that a hint can enter.
  virtual bool HeedsHints() const { return false; }
  virtual void OnHint(const HintedChain& hint) {}

  // The block to give up next in `tier`, still tracked until OnRemove. Never a block with a child
  // in the same tier: a chain loses its tail before its head. nullopt if the tier holds nothing it
  // may give up. `Skip` makes it pass over a block that is pinned, until the block is touched or
  // the skips are cleared.
  virtual std::optional<BlockKey> NextVictim(Tier tier, int64_t now_ns) = 0;
  // The same of DRAM and of the namespaces under one limit (NamespaceLedger) alone, whatever their
  // floor.
  virtual std::optional<BlockKey> NextVictimUnder(uint16_t limit, int64_t now_ns) {
    return std::nullopt;
  }
  virtual void Skip(Tier tier, const BlockKey& key) = 0;
  virtual void ClearSkips() = 0;

  // Is this DRAM block worth a write to SSD when it leaves DRAM? `has_room`: nothing has to go for
  // it.
  virtual bool AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) = 0;
  // How many hits a write of this block to SSD promises, to be compared with that of others. A
  // block is used about as often again as it has been, where a policy knows no better.
  virtual double SsdScore(const BlockFacts& block, int64_t now_ns) { return 1.0 + block.hits; }

  // What it has learnt, for those who show it (model/model_report.h). Up to some milliseconds.
  virtual ModelReport Report(int64_t now_ns) const;
  // A policy without scores has nothing to say of a block or of prices.
  // What it thinks of a block at `at_ns`, resident or only remembered; nullopt if it is not known.
  virtual std::optional<BlockStanding> StandingOf(const BlockKey& key, int64_t at_ns) const {
    return std::nullopt;
  }
  virtual std::array<TierPrice, kTierCount> Prices(int64_t at_ns) const { return {}; }

  // DRAM is full: is this block, which is not in it, worth more than the block that would go for
  // it? What is known of it comes from the requests that named it.
  virtual bool AdmitToDram(const BlockKey& key, int64_t now_ns) { return true; }
};

}  // namespace halflife
