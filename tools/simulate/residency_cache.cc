#include "tools/simulate/residency_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "storage/residency/policy_factory.h"

namespace halflife::tools {
namespace {

constexpr int64_t kMinuteNs = int64_t{60} * 1000 * 1000 * 1000;

// A number's bits spread over 64 (splitmix64, Steele et al., OOPSLA 2014), so that hash samples
// of simulated keys are as uniform as those of real ones. One to one.
uint64_t Spread(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

BlockKey KeyOf(uint32_t block) {
  BlockKey key;
  const uint64_t head = Spread(block);
  const uint64_t tail = block;
  std::memcpy(key.block.data(), &head, sizeof head);
  std::memcpy(key.block.data() + sizeof head, &tail, sizeof tail);
  return key;
}

uint32_t BlockOf(const BlockKey& key) {
  uint64_t tail;
  std::memcpy(&tail, key.block.data() + sizeof tail, sizeof tail);
  return static_cast<uint32_t>(tail);
}

RetentionObjective ObjectiveOf(const CacheSetup& setup) {
  return setup.objective == Objective::kTime ? RetentionObjective::kTime
                                             : RetentionObjective::kHits;
}

std::unique_ptr<SimulatedCache> Make(const CacheSetup& setup, ResidencyPolicyOptions policy) {
  policy.keep_ssd_copies = setup.admission.write_budget_bytes_per_day > 0;
  const ResidencyCache::Options options{setup.dram_blocks,
                                        setup.capacity_blocks - setup.dram_blocks,
                                        setup.trace->block_tokens, setup.admission};
  return std::make_unique<ResidencyCache>(options, MakeResidencyPolicy(policy));
}

}  // namespace

ResidencyCache::ResidencyCache(const Options& options, std::unique_ptr<ResidencyPolicy> policy)
    : options_(options), policy_(std::move(policy)), admission_(options.admission, policy_.get()) {}

size_t ResidencyCache::Serve(const SimulatedRequest& request) {
  keys_.clear();
  for (size_t i = 0; i < request.blocks.size(); ++i) {
    const uint32_t block = request.blocks[i];
    if (block >= blocks_.size()) blocks_.resize(std::max<size_t>(block + 1, 2 * blocks_.size()));
    keys_.push_back(KeyOf(block));
    blocks_[block].parent = i == 0 ? kNoBlock : request.blocks[i - 1];
    blocks_[block].depth = static_cast<uint32_t>(i);
    blocks_[block].category = request.category;
    blocks_[block].last_touch_ns = request.time_ns;
    ++blocks_[block].references;
  }
  policy_->OnTouch({.now_ns = request.time_ns,
                    .category = request.category,
                    .keys = keys_,
                    .first_depth = 0,
                    .block_tokens = options_.block_tokens});

  size_t hits = 0;
  for (const uint32_t block : request.blocks) {
    if (!blocks_[block].in_dram && !blocks_[block].on_ssd) break;
    ++hits;
    if (!blocks_[block].in_dram) {
      ++ssd_counts_.hit_blocks;
      Insert(Tier::kDram, block);
    }
  }
  PutRest(request.blocks.subspan(hits), request.time_ns);
  if (request.released) {
    policy_->OnHint({.now_ns = request.time_ns, .kind = HintKind::kRelease, .keys = keys_});
  }
  EvictFromDram(request.time_ns);
  return hits;
}

// Block by block, as a daemon takes them: one that is refused is the last that is offered.
void ResidencyCache::PutRest(absl::Span<const uint32_t> blocks, int64_t now_ns) {
  const bool refuses = options_.ssd_blocks == 0;
  for (const uint32_t block : blocks) {
    if (blocks_[block].in_dram || blocks_[block].on_ssd) continue;
    const bool full = dram_used_blocks_ >= options_.dram_blocks;
    if (refuses && full && !policy_->AdmitToDram(KeyOf(block), now_ns)) return;
    Insert(Tier::kDram, block);
    if (refuses) EvictFromDram(now_ns);
  }
}

void ResidencyCache::Insert(Tier tier, uint32_t block) {
  if (tier == Tier::kDram) {
    blocks_[block].in_dram = true;
    ++dram_used_blocks_;
  } else {
    blocks_[block].on_ssd = true;
    ++ssd_used_blocks_;
  }
  policy_->OnInsert(tier, FactsOf(block));
}

void ResidencyCache::EvictFromDram(int64_t now_ns) {
  while (dram_used_blocks_ > options_.dram_blocks) {
    const std::optional<BlockKey> victim = policy_->NextVictim(Tier::kDram, now_ns);
    HL_CHECK(victim.has_value());
    const uint32_t block = BlockOf(*victim);
    policy_->OnRemove(Tier::kDram, *victim);
    blocks_[block].in_dram = false;
    --dram_used_blocks_;
    if (options_.ssd_blocks == 0 || blocks_[block].on_ssd) continue;
    if (WriteToSsd(block, now_ns) == SsdAdmission::Verdict::kBudget) ++ssd_counts_.refused_blocks;
  }
}

// With what has to come with it, as SsdMigrator does.
SsdAdmission::Verdict ResidencyCache::WriteToSsd(uint32_t block, int64_t now_ns) {
  const BlockFacts facts = FactsOf(block);
  SsdAdmission::Verdict verdict = admission_.Judge(facts, now_ns);
  if (verdict != SsdAdmission::Verdict::kAdmitted) return verdict;
  chain_.assign(1, block);
  if (admission_.limited()) {
    uint32_t up = blocks_[block].parent;
    for (; up != kNoBlock && !blocks_[up].on_ssd; up = blocks_[up].parent) chain_.push_back(up);
  }
  const bool has_room = ssd_used_blocks_ + chain_.size() <= options_.ssd_blocks;
  verdict = admission_.Admit(facts, chain_.size() * facts.bytes, has_room, now_ns);
  if (verdict != SsdAdmission::Verdict::kAdmitted) return verdict;
  for (auto at = chain_.rbegin(); at != chain_.rend(); ++at) Insert(Tier::kSsd, *at);
  CountWrites(chain_.size(), now_ns);
  EvictFromSsd(now_ns);
  return verdict;
}

void ResidencyCache::CountWrites(size_t blocks, int64_t now_ns) {
  if (now_ns >= minute_end_ns_) {
    minute_end_ns_ = (now_ns / kMinuteNs + 1) * kMinuteNs;
    in_minute_blocks_ = 0;
  }
  in_minute_blocks_ += blocks;
  ssd_counts_.written_blocks += blocks;
  ssd_counts_.most_in_a_minute_blocks =
      std::max(ssd_counts_.most_in_a_minute_blocks, in_minute_blocks_);
}

void ResidencyCache::EvictFromSsd(int64_t now_ns) {
  while (ssd_used_blocks_ > options_.ssd_blocks) {
    const std::optional<BlockKey> victim = policy_->NextVictim(Tier::kSsd, now_ns);
    HL_CHECK(victim.has_value());
    policy_->OnRemove(Tier::kSsd, *victim);
    blocks_[BlockOf(*victim)].on_ssd = false;
    --ssd_used_blocks_;
  }
}

BlockFacts ResidencyCache::FactsOf(uint32_t block) const {
  BlockFacts facts;
  facts.key = KeyOf(block);
  if (blocks_[block].parent != kNoBlock) facts.parent = KeyOf(blocks_[block].parent);
  facts.depth = blocks_[block].depth;
  facts.bytes = kSimulatedBlockBytes;
  facts.hits = blocks_[block].references - 1;
  facts.category = blocks_[block].category;
  facts.last_touch_ns = blocks_[block].last_touch_ns;
  return facts;
}

std::unique_ptr<SimulatedCache> MakeModelCache(const CacheSetup& setup) {
  return Make(setup, {ResidencyPolicyOptions::Kind::kModel, ObjectiveOf(setup), true});
}

std::unique_ptr<SimulatedCache> MakeModelWithoutDuelCache(const CacheSetup& setup) {
  return Make(setup, {ResidencyPolicyOptions::Kind::kModel, ObjectiveOf(setup), false});
}

std::unique_ptr<SimulatedCache> MakeWaCache(const CacheSetup& setup) {
  return Make(setup, {ResidencyPolicyOptions::Kind::kWa});
}

std::unique_ptr<SimulatedCache> MakeRecencyCache(const CacheSetup& setup) {
  return Make(setup, {ResidencyPolicyOptions::Kind::kLru});
}

}  // namespace halflife::tools
