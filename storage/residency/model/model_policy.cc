#include "storage/residency/model/model_policy.h"

#include <algorithm>
#include <cmath>

#include "storage/residency/model/model_report.h"

namespace halflife {
namespace {

// A request's blocks move together: they are one observation where their weights are 1/n, n where
// they are 1. In between, long requests count more, as they do in hits: hit ratio +0.2 points over
// 1/n on a coding-agent trace, +0.1 on the Mooncake conversation trace.
constexpr double kWeightExponent = -0.75;
// What a write must bring where writes are not limited, in hits: 200 writes for one. An exchange
// rate, and no measurement; what it trades is in docs/decisions/004-residency.md, "Measured".
constexpr double kHitsPerWrite = 0.005;
// How much of a victim's stay in DRAM enters the mean: about the last 100 count.
constexpr double kStayShare = 0.01;
constexpr double kLeastStayS = 1;
// Within which a block on SSD is expected to be used again: as long as the model remembers.
constexpr double kSsdHorizonS = HazardEstimator::kHalfLifeS;
// Look-ups between the announcement of what one needs and the next step: a miss of the processor's
// caches takes about as long.
constexpr size_t kPrefetchBlocks = 8;
constexpr double kNsPerS = 1e9;

// A caller who names the future is taken to be right nine times in ten.
constexpr int kHintOdds = 10;
constexpr double kHintConfidence = 1 - 1.0 / kHintOdds;
constexpr int kHintQueues = kHistoryGroups * kMultiplierLevels;  // from here on

static_assert(ReuseObserver::kMaxCohorts <= TrackedBlock::kMaxCohort);

constexpr int Index(Tier tier) { return static_cast<int>(tier); }

// Hits per second of residence of a block of which somebody comes back within `left_s`, at a moment
// as likely as any other, with kHintConfidence: it stays left_s / 2 then, and left_s otherwise.
double RetainedIndex(double left_s) {
  return kHintConfidence / (left_s * (1 - kHintConfidence / 2));
}

}  // namespace

ModelPolicy::ModelPolicy(const Options& options)
    : options_(options),
      chains_(this, kHintQueues + HintMark::kQueues, options.min_ghosts, options.ledger) {}

ModelPolicy::~ModelPolicy() = default;

// --- Order

int ModelPolicy::QueueOf(const TrackedBlock& block) const {
  return block.hint ? kHintQueues + block.hint.queue()
                    : block.group * kMultiplierLevels + block.level;
}

RetentionRank ModelPolicy::RankOf(Tier tier, const TrackedBlock& block, int64_t at_ns) const {
  if (led_[Index(tier)]) return {IndexAt(tier, block, at_ns), block.last_touch_ns()};
  // In recency's own coin: as if it had been touched longer ago, or later.
  const int64_t age_ns = std::max<int64_t>(at_ns - block.last_touch_ns(), 0);
  if (IsGivenUp(tier, block)) return {0, at_ns - kHintOdds * age_ns};
  if (block.hint.RetainedUntilNs(at_ns) > at_ns) return {0, at_ns - age_ns / kHintOdds};
  return {0, block.last_touch_ns()};
}

double ModelPolicy::ValueOf(const TrackedBlock& block) const {
  if (options_.objective == RetentionObjective::kHits) return 1;
  if (block.prefix >= value_per_depth_.size()) return 1;
  return 1 + block.depth * value_per_depth_[block.prefix];
}

bool ModelPolicy::IsGivenUp(Tier tier, const TrackedBlock& block) const {
  return block.hint.IsRelease() || (block.hint.IsDemotion() && tier == Tier::kDram);
}

// With what hints say of it.
double ModelPolicy::IndexAt(Tier tier, const TrackedBlock& block, int64_t at_ns) const {
  double index = table_.IndexOf(block.group, block.level, block.IdleS(at_ns));
  if (IsGivenUp(tier, block)) index /= kHintOdds;
  const int64_t retained_ns = block.hint.RetainedUntilNs(at_ns) - at_ns;
  if (retained_ns > 0) {
    index = std::max(index, RetainedIndex(static_cast<double>(retained_ns) / kNsPerS));
  }
  return index * ValueOf(block);
}

bool ModelPolicy::ModelLeads(Tier tier) const {
  if (observer_.reuses() < kModelCalibratingReuses) return false;
  return duels_[Index(tier)] == nullptr || duels_[Index(tier)]->model_leads();
}

// --- Facts

void ModelPolicy::OnTouch(const TouchedChain& chain) {
  if (chain.keys.empty()) return;
  now_ns_ = std::max(now_ns_, chain.now_ns);
  RefitWhenDue(now_ns_);
  LearnFrom(chain);
  LearnValue(chain);
  FightDuels(chain);
  ForgetGhosts();
}

void ModelPolicy::RefitWhenDue(int64_t now_ns) {
  if (refitted_ && now_ns < refit_due_ns_) return;
  refitted_ = true;
  refit_due_ns_ = now_ns + static_cast<int64_t>(options_.refit_period_s * kNsPerS);
  observer_.Refit(now_ns);
  fitted_reuses_ = observer_.reuses();
  table_.Refresh(observer_.fit());
  chains_.RanksChanged();
  for (const auto& duel : duels_) {
    if (duel != nullptr) duel->RanksChanged();
  }
}

// Finds the blocks of the chain, as far as it is one. Returns how many of them, from the first on,
// some request has named before.
uint32_t ModelPolicy::NameBlocks(const TouchedChain& chain) {
  numbers_.clear();
  uint32_t known_blocks = 0;
  const auto announce_place = [&](size_t i) {
    if (i < chain.keys.size()) chains_.PrefetchPlace(chain.keys[i]);
  };
  const auto announce_block = [&](size_t i) {
    if (i < chain.keys.size()) chains_.PrefetchBlock(chain.keys[i]);
  };
  for (size_t i = 0; i < 2 * kPrefetchBlocks; ++i) announce_place(i);
  for (size_t i = 0; i < kPrefetchBlocks; ++i) announce_block(i);
  for (size_t i = 0; i < chain.keys.size(); ++i) {
    announce_place(i + 2 * kPrefetchBlocks);
    announce_block(i + kPrefetchBlocks);
    const uint32_t n = chains_.FindOrAdd(chain.keys[i], chain.DepthOf(i));
    if (chains_[n].named) break;  // twice in one chain
    chains_[n].named = true;
    if (known_blocks == numbers_.size() && chains_[n].touches > 0) ++known_blocks;
    chains_.PrefetchNeighbours(n);
    numbers_.push_back(n);
  }
  return known_blocks;
}

void ModelPolicy::LearnFrom(const TouchedChain& chain) {
  const uint32_t known_blocks = NameBlocks(chain);
  const double all_blocks = static_cast<double>(numbers_.size()) / chain.sampled_share;
  const auto known = static_cast<uint32_t>(std::lround(known_blocks / chain.sampled_share));
  const auto fresh = static_cast<uint32_t>(std::lround(all_blocks)) - known;
  const RequestFeatures features = FeaturesOf(chain.category, fresh, known);
  const double multiplier = observer_.fit().MultiplierOf(features);
  const uint8_t level = LevelOfMultiplier(multiplier);
  const bool observed = observer_.Samples(chain.keys.back().Head());
  if (observed) observer_.StartRequest(features.levels[kCategoryFactor], now_ns_);
  const auto weight = static_cast<float>(std::pow(all_blocks, kWeightExponent));
  EndIntervals();
  std::array<ReuseObserver::CohortId, kHistoryGroups> cohorts{};
  // From the last block to the first, so that each parent ends up behind its child.
  for (auto at = numbers_.rbegin(); at != numbers_.rend(); ++at) {
    chains_.Unqueue(*at);
    TouchBlock(*at, now_ns_);
    TrackedBlock& block = chains_[*at];
    block.level = level;
    block.category = features.levels[kCategoryFactor];
    block.named = false;
    if (observed) {
      ReuseObserver::CohortId& cohort = cohorts[block.group];
      if (cohort == 0) {
        cohort = observer_.Open(
            now_ns_, {static_cast<uint8_t>(block.group), features, static_cast<float>(multiplier)},
            weight);
      }
      if (cohort != 0) observer_.Join(cohort);
      block.cohort = cohort;
    }
    chains_.Requeue(*at);
  }
}

// The idle intervals of these blocks end here. Neighbours in a chain were mostly touched by the
// same request before: they are of one cohort, and told at once.
void ModelPolicy::EndIntervals() {
  for (size_t first = 0; first < numbers_.size();) {
    const ReuseObserver::CohortId cohort = chains_[numbers_[first]].cohort;
    size_t end = first;
    for (; end < numbers_.size() && chains_[numbers_[end]].cohort == cohort; ++end) {
      chains_[numbers_[end]].cohort = 0;
    }
    observer_.EndInReuse(cohort, now_ns_, static_cast<uint32_t>(end - first));
    first = end;
  }
}

void ModelPolicy::LearnValue(const TouchedChain& chain) {
  if (chain.block_tokens == 0) return;
  const uint16_t prefix = chains_[numbers_.front()].prefix;
  if (prefix >= value_per_depth_.size()) value_per_depth_.resize(prefix + 1, 0.0);
  value_per_depth_[prefix] = chain.block_tokens / kTokensThatDoubleTheCost;
}

void ModelPolicy::TouchBlock(uint32_t n, int64_t now_ns) {
  TrackedBlock& block = chains_[n];
  if (block.touches > 0) {
    const auto gap_s =
        static_cast<float>(static_cast<double>(now_ns - block.last_touch_ns()) / kNsPerS);
    block.mean_gap_s = block.touches == 1 ? gap_s : (block.mean_gap_s + gap_s) / 2;
  }
  if (block.touches < UINT8_MAX) ++block.touches;
  block.set_last_touch_ns(now_ns);
  if (!block.hint.IsRetention()) block.hint = {};
  block.group = HistoryGroupOf(block.touches, block.mean_gap_s);
}

void ModelPolicy::OnInsert(Tier tier, const BlockFacts& facts) {
  now_ns_ = std::max(now_ns_, facts.last_touch_ns);
  const uint32_t n = chains_.FindOrAdd(facts.key, facts.depth);
  TrackedBlock& block = chains_[n];
  if (block.touches == 0) {
    // Nobody named it: restored from SSD, or put without a look-up. It goes with its parent, which
    // the same request touched, and is not observed.
    const uint32_t parent = facts.depth == 0 ? 0 : chains_.Find(facts.parent);
    block.level =
        parent != 0 && chains_[parent].touches > 0 ? chains_[parent].level : LevelOfMultiplier(1);
    block.touches = 1;
    block.set_last_touch_ns(facts.last_touch_ns);
    block.category = static_cast<uint8_t>(std::min<Category>(facts.category, kMaxCategories - 1));
  }
  chains_.Insert(tier, n, facts);
}

void ModelPolicy::OnRemove(Tier tier, const BlockKey& key) {
  chains_.Remove(tier, key);
  ForgetGhosts();
}

void ModelPolicy::OnHint(const HintedChain& hint) {
  now_ns_ = std::max(now_ns_, hint.now_ns);
  EndRetentions();
  const HintMark mark = HintMark::Of(hint.kind, hint.until_ns);
  for (size_t i = hint.keys.size(); i-- > 0;) {
    const uint32_t n = chains_.Find(hint.keys[i]);
    if (n == 0 || !chains_.InAnyTier(n)) continue;
    // What other chains share is not one caller's to give up: neither the fork nor what is above.
    if (hint.kind != HintKind::kRetain && chains_.IsFork(n)) break;
    chains_.Unqueue(n);
    chains_[n].hint = mark;
    chains_.Requeue(n);
  }
}

// Blocks whose retention has ended go back where they belong.
void ModelPolicy::EndRetentions() {
  const int64_t step = now_ns_ / HintMark::kRetainStepNs;
  if (step == retentions_ended_) return;
  int64_t ended = std::max(retentions_ended_, step - HintMark::kRetainQueues);
  while (ended < step) {
    chains_.EndHints(kHintQueues + HintMark::QueueOfEnd(++ended * HintMark::kRetainStepNs));
  }
  retentions_ended_ = step;
}

void ModelPolicy::ForgetGhosts() {
  while (const uint32_t n = chains_.GhostToForget()) {
    observer_.EndUnseen(chains_[n].cohort, now_ns_);
    chains_.Forget(n);
  }
}

// --- Decisions

// Before a decision.
void ModelPolicy::BringUpToDate(Tier tier, int64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  EndRetentions();
  if (const bool leads = ModelLeads(tier); leads != led_[Index(tier)]) {
    led_[Index(tier)] = leads;
    chains_.RanksChanged();
  }
}

std::optional<BlockKey> ModelPolicy::NextVictim(Tier tier, int64_t now_ns) {
  BringUpToDate(tier, now_ns);
  const uint32_t n = tier == Tier::kSsd ? SsdVictim(now_ns_) : chains_.Lowest(tier, now_ns_);
  if (n != 0) NotePrice(tier, chains_[n]);
  has_evicted_[Index(tier)] = true;
  if (n == 0) return std::nullopt;
  if (tier == Tier::kDram) {
    const auto stay_s = static_cast<double>(now_ns_ - chains_[n].last_touch_ns()) / kNsPerS;
    dram_stay_s_ += kStayShare * (stay_s - dram_stay_s_);
  }
  return chains_.KeyOf(n);
}

std::optional<BlockKey> ModelPolicy::NextVictimUnder(uint16_t limit, int64_t now_ns) {
  BringUpToDate(Tier::kDram, now_ns);
  const uint32_t n = chains_.LowestUnder(limit, now_ns_);
  if (n == 0) return std::nullopt;
  return chains_.KeyOf(n);
}

// Would it be the first to go, were it here? In recency's order what is new goes last. In the
// model's, it stands behind the older blocks of its queue; where there are none, its index is
// compared with that of the block that would go for it. Its own request is no reason to take it
// either: its prefix, which it would be of no use without, and its equals.
bool ModelPolicy::AdmitToDram(const BlockKey& key, int64_t now_ns) {
  BringUpToDate(Tier::kDram, now_ns);
  const uint32_t n = chains_.Find(key);
  if (n == 0 || chains_[n].touches == 0 || chains_.IsBelowFloor(n)) return true;
  if (!led_[Index(Tier::kDram)] || fitted_reuses_ < kModelCalibratingReuses) return true;
  const TrackedBlock& block = chains_[n];
  const uint32_t front = chains_.FrontOfQueueOf(n);
  if (front != 0 && chains_[front].last_touch_ns() < block.last_touch_ns()) return true;
  const uint32_t victim = chains_.Lowest(Tier::kDram, now_ns_);
  if (victim == 0) return true;
  const bool of_its_prefix = chains_[victim].last_touch_ns() == block.last_touch_ns() &&
                             chains_[victim].prefix == block.prefix &&
                             chains_[victim].depth < block.depth;
  if (!of_its_prefix &&
      RankOf(Tier::kDram, chains_[victim], now_ns_) < RankOf(Tier::kDram, block, now_ns_)) {
    return true;
  }
  NotePrice(Tier::kDram, block);
  return false;
}

// The copy of a block that is in DRAM hits nothing, but has to be written again when the block
// leaves DRAM. It goes first where that write buys enough: as long as the block stays in DRAM, the
// room keeps the block that would go instead.
uint32_t ModelPolicy::SsdVictim(int64_t now_ns) {
  const uint32_t alone = chains_.LowestOnSsdAlone(now_ns);
  const uint32_t in_both = chains_.LowestInBoth(now_ns);
  if (alone == 0 || in_both == 0) return alone == 0 ? in_both : alone;
  if (options_.keep_ssd_copies) return alone;
  const double hits_per_write = RankOf(Tier::kSsd, chains_[alone], now_ns).value * dram_stay_s_;
  return hits_per_write > kHitsPerWrite ? in_both : alone;
}

bool ModelPolicy::AdmitToSsd(const BlockFacts& facts, bool has_room, int64_t now_ns) {
  if (has_room) return true;  // where nothing has to go for it, a write is all it costs
  const uint32_t n = chains_.Find(facts.key);
  // Whole chains: what carries a block on SSD follows it there.
  if (n == 0 || chains_.HasChildren(Tier::kSsd, n)) return true;
  if (!led_[Index(Tier::kSsd)] || fitted_reuses_ < kModelCalibratingReuses) return true;
  const uint32_t worst = SsdVictim(now_ns);
  if (worst == 0) return true;
  // A copy of a block that is in DRAM costs no more than the write that replaces it.
  const double pushed_out = chains_.InTier(Tier::kDram, worst) && !options_.keep_ssd_copies
                                ? kHitsPerWrite / std::max(dram_stay_s_, kLeastStayS)
                                : RankOf(Tier::kSsd, chains_[worst], now_ns).value;
  return RankOf(Tier::kSsd, chains_[n], now_ns).value >= options_.ssd_admission_margin * pushed_out;
}

// The index of a block that leaves DRAM says little: it is about what DRAM's room costs just then.
// On SSD it has time: what counts is whether it comes back at all, and how often then. A release or
// a retention says the first; a demotion says what leaving DRAM says already.
double ModelPolicy::SsdScore(const BlockFacts& facts, int64_t now_ns) {
  const uint32_t n = chains_.Find(facts.key);
  if (n == 0 || chains_[n].touches == 0) return 0;
  const TrackedBlock& block = chains_[n];
  const double age_s = block.IdleS(now_ns);
  double reuse_probability = ReuseWithin(observer_.fit().base[block.group],
                                         MultiplierOfLevel(block.level), age_s, kSsdHorizonS);
  if (block.hint.IsRelease()) reuse_probability /= kHintOdds;
  if (block.hint.RetainedUntilNs(now_ns) > now_ns) {
    reuse_probability = std::max(reuse_probability, kHintConfidence);
  }
  return reuse_probability * block.touches * ValueOf(block);
}

void ModelPolicy::FightDuels(const TouchedChain& chain) {
  if (!options_.duel) return;
  for (int tier = 0; tier < kTierCount; ++tier) {
    if (!has_evicted_[tier]) continue;  // how much fits is not known yet
    if (duels_[tier] == nullptr) duels_[tier] = std::make_unique<RetentionDuel>(&table_);
    RetentionDuel& duel = *duels_[tier];
    duel.SetCapacity(chains_.BlocksIn(static_cast<Tier>(tier)));
    sampled_.clear();
    for (size_t i = 0; i < numbers_.size(); ++i) {
      const uint64_t id = chain.keys[i].Head();
      if (!duel.Samples(id)) continue;
      const TrackedBlock& block = chains_[numbers_[i]];
      sampled_.push_back({.id = id,
                          .value = static_cast<float>(ValueOf(block)),
                          .group = static_cast<uint8_t>(block.group),
                          .level = static_cast<uint8_t>(block.level)});
    }
    duel.Serve(sampled_, now_ns_);
  }
}

// --- Report

ModelState ModelPolicy::StateAt(int64_t now_ns) const { return StateOf(observer_, now_ns); }

ModelReport ModelPolicy::Report(int64_t now_ns) const {
  ModelReport report = ReportOn(observer_, now_ns);
  for (int tier = 0; tier < kTierCount; ++tier) {
    if (duels_[tier] != nullptr) report.duels[tier] = ReportOn(*duels_[tier]);
    report.duels[tier].model_leads = ModelLeads(static_cast<Tier>(tier));
  }
  report.ghosts = chains_.ghosts();
  report.memory_bytes = sizeof *this + chains_.memory_bytes() + observer_.memory_bytes();
  return report;
}

}  // namespace halflife
