#include "tools/plan/reuse_classes.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "common/hashing.h"
#include "storage/residency/model/retention_index.h"
#include "storage/residency/model/reuse_features.h"
#include "storage/residency/model/reuse_observer.h"
#include "tools/simulate/cache_setup.h"

namespace halflife::tools {
namespace {

// Within a slot the load counts as even. Error of the LRU curve on a coding-agent trace (0.5 to
// 50 % of the blocks): 4.3 points with 1 slot, 1.0 with 50, 1.2 with 300; of the model's 3.8, 0.9,
// 0.8. A slot should have some requests.
constexpr int kMaxSlots = 300;
constexpr uint64_t kRequestsPerSlot = 32;
// As ModelPolicy weighs the blocks of one request.
constexpr double kWeightExponent = -0.75;
constexpr auto kRefitPeriodNs = static_cast<int64_t>(ReuseObserver::kRefitPeriodS * 1e9);
constexpr uint32_t kNoClass = UINT32_MAX;

double Seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

// The learning half of ModelPolicy, without a cache: nothing is evicted or forgotten.
class Learner {
 public:
  explicit Learner(const SimulatedTrace& trace)
      : trace_(trace),
        start_ns_(trace.requests.front().time_ns),
        observer_(std::make_unique<ReuseObserver>()),
        blocks_(trace.block_count()),
        class_of_(kHistoryGroups * kMultiplierLevels, kNoClass) {
    const uint64_t slots = trace.requests.size() / kRequestsPerSlot;
    result_.slots = static_cast<int>(std::clamp<uint64_t>(slots, 1, kMaxSlots));
    const int64_t duration_ns = trace.requests.back().time_ns - start_ns_;
    result_.duration_s = Seconds(std::max<int64_t>(duration_ns, 1));
    result_.slot_s = result_.duration_s / result_.slots;
    result_.requests = trace.requests.size();
    result_.block_tokens = trace.block_tokens;
    result_.unique_blocks = trace.block_count();
  }

  ReuseClasses Run() {
    for (const auto& request : trace_.requests) Add(request);
    const int64_t end_ns = trace_.requests.back().time_ns;
    for (const Block& block : blocks_) {
      if (block.touches == 0) continue;  // another trace's, behind a front cache
      ClassAt(block).intervals.AddCensored(Seconds(end_ns - block.last_ns), 1);
    }
    observer_->Refit(end_ns);
    FillIndexes();
    return std::move(result_);
  }

 private:
  struct Block {
    int64_t last_ns = 0;
    float mean_gap_s = 0;
    uint16_t touches = 0;
    uint8_t group = 0;
    uint8_t level = 0;
    ReuseObserver::CohortId cohort = 0;
  };

  void Add(const SimulatedTrace::RequestSpan& request) {
    RefitWhenDue(request.time_ns);
    const auto blocks = trace_.BlocksOf(request);
    uint32_t known = 0;
    while (known < blocks.size() && blocks_[blocks[known]].touches > 0) ++known;
    const RequestFeatures features = FeaturesOf(request.category, request.count - known, known);
    const double multiplier = observer_->fit().MultiplierOf(features);
    const uint8_t level = LevelOfMultiplier(multiplier);
    const auto weight = static_cast<float>(std::pow(request.count, kWeightExponent));
    const bool observed = observer_->Samples(HashOf(blocks.back()));
    std::array<ReuseObserver::CohortId, kHistoryGroups> cohorts{};
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      Block& block = blocks_[blocks[i]];
      if (i >= request.absorbed) {
        result_.lookup_blocks += 1;
        result_.lookup_value += RecomputeValue(i, trace_.block_tokens);
      }
      EndInterval(block, request, i);
      block.level = level;
      block.cohort = 0;
      if (observed) {
        ReuseObserver::CohortId& cohort = cohorts[block.group];
        if (cohort == 0) {
          cohort = observer_->Open(request.time_ns,
                                   {block.group, features, static_cast<float>(multiplier)}, weight);
        }
        if (cohort != 0) observer_->Join(cohort);
        block.cohort = cohort;
      }
      ClassAt(block).opened[SlotAt(request.time_ns)] += 1;
    }
  }

  void RefitWhenDue(int64_t now_ns) {
    if (refitted_ && now_ns < refit_due_ns_) return;
    refitted_ = true;
    refit_due_ns_ = now_ns + kRefitPeriodNs;
    observer_->Refit(now_ns);
  }

  void EndInterval(Block& block, const SimulatedTrace::RequestSpan& request, uint32_t depth) {
    if (block.touches > 0) {
      const double gap_s = Seconds(request.time_ns - block.last_ns);
      ReuseClass& ended = ClassAt(block);
      ended.intervals.AddReused(gap_s, 1);
      if (depth >= request.absorbed) {
        const int bin = AgeBinOf(gap_s);
        ended.hits[bin] += 1;
        ended.hit_value[bin] += RecomputeValue(depth, trace_.block_tokens);
      }
      if (block.cohort != 0) observer_->EndInReuse(block.cohort, request.time_ns);
      const auto gap = static_cast<float>(gap_s);
      block.mean_gap_s = block.touches == 1 ? gap : (block.mean_gap_s + gap) / 2;
    }
    if (block.touches < UINT16_MAX) ++block.touches;
    block.last_ns = request.time_ns;
    block.group = HistoryGroupOf(block.touches, block.mean_gap_s);
  }

  ReuseClass& ClassAt(const Block& block) {
    uint32_t& known = class_of_[block.group * kMultiplierLevels + block.level];
    if (known == kNoClass) {
      known = static_cast<uint32_t>(result_.classes.size());
      ReuseClass& added = result_.classes.emplace_back();
      added.group = block.group;
      added.level = block.level;
      added.opened.resize(static_cast<size_t>(result_.slots));
    }
    return result_.classes[known];
  }

  size_t SlotAt(int64_t time_ns) const {
    const auto slot = static_cast<int>(Seconds(time_ns - start_ns_) / result_.slot_s);
    return static_cast<size_t>(std::min(slot, result_.slots - 1));
  }

  void FillIndexes() {
    const auto table = std::make_unique<RetentionTable>();
    table->Refresh(observer_->fit());
    for (ReuseClass& reuse : result_.classes) {
      for (int bin = 0; bin < kAgeBins; ++bin) {
        reuse.index[bin] = table->IndexOf(reuse.group, reuse.level, kAgeEdgesS[bin]);
      }
    }
  }

  static uint64_t HashOf(uint32_t block) {
    return Xxh3_64({reinterpret_cast<const uint8_t*>(&block), sizeof block}, 0);
  }

  const SimulatedTrace& trace_;
  const int64_t start_ns_;
  std::unique_ptr<ReuseObserver> observer_;
  std::vector<Block> blocks_;
  std::vector<uint32_t> class_of_;  // by group and level
  bool refitted_ = false;
  int64_t refit_due_ns_ = 0;
  ReuseClasses result_;
};

}  // namespace

ReuseClasses LearnReuseClasses(const SimulatedTrace& trace) { return Learner(trace).Run(); }

}  // namespace halflife::tools
