#include "tools/analyze/trace_analysis.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "tools/analyze/last_touches.h"
#include "tools/simulate/cache_setup.h"

namespace halflife::tools {
namespace {

constexpr double kSkewShares[] = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1};
constexpr uint32_t kNever = LastTouches::kNever;

double Seconds(int64_t ns) { return static_cast<double>(ns) * 1e-9; }

class Analyzer {
 public:
  explicit Analyzer(const SimulatedTrace& trace)
      : trace_(trace),
        start_ns_(trace.requests.front().time_ns),
        end_ns_(trace.requests.back().time_ns),
        middle_ns_(start_ns_ + (end_ns_ - start_ns_) / 2),
        touches_(trace),
        first_request_(trace.block_count(), kNever),
        hits_(trace.block_count()),
        open_(trace.requests.size()),
        categories_(trace.category_names.size()) {
    for (const auto& request : trace.requests) {
      if (request.session >= session_requests_.size()) {
        session_requests_.resize(request.session + 1);
        session_seen_.resize(request.session + 1);
      }
      ++session_requests_[request.session];
    }
  }

  TraceAnalysis Run() {
    for (uint32_t r = 0; r < trace_.requests.size(); ++r) Add(r);
    for (uint32_t r = 0; r < trace_.requests.size(); ++r) {
      Censor(r, open_[r].shared, true);
      Censor(r, open_[r].own, false);
    }
    FinishBlocks();
    FinishDepths();
    FinishTotals();
    return std::move(result_);
  }

 private:
  void Add(uint32_t r) {
    const auto& request = trace_.requests[r];
    uint64_t known = 0;
    touches_.VisitReuses(r, [&](uint32_t last, uint32_t first, uint32_t shared, uint32_t end) {
      AddReuse(last, r, shared - first, true);
      AddReuse(last, r, end - shared, false);
      known += end - first;
    });
    Touch(r);
    const BlockTotals added{1, request.count, known};
    AddTo(added, result_.totals);
    AddTo(added, categories_[request.category].totals);
    AddTo(added, TurnOf(request.session));
  }

  void Touch(uint32_t r) {
    const auto& request = trace_.requests[r];
    const auto blocks = trace_.BlocksOf(request);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      const uint32_t block = blocks[i];
      if (i == result_.every_depth.size()) result_.every_depth.push_back({i, uint64_t{i} + 1});
      TraceAnalysis::AtDepth& depth = result_.every_depth[i];
      ++depth.blocks;
      if (touches_.RequestOf(block) == kNever) {
        first_request_[block] = r;
      } else {
        ++hits_[block];
        ++depth.hit_blocks;
      }
    }
    touches_.Touch(r);
    open_[r].shared = touches_.shared_until(r);
    open_[r].own = request.count - open_[r].shared;
  }

  static void AddTo(const BlockTotals& added, BlockTotals& totals) {
    totals.requests += added.requests;
    totals.blocks += added.blocks;
    totals.hit_blocks += added.hit_blocks;
  }

  BlockTotals& TurnOf(uint32_t session) {
    if (session_requests_[session] == 1) return result_.single_turn;
    if (session_seen_[session] != 0) return result_.later_turns;
    session_seen_[session] = 1;
    return result_.first_turns;
  }

  // Calls `add` for everything that an interval opened by request `r` belongs to.
  template <typename AddInterval>
  void ForCategories(uint32_t r, bool shared, AddInterval add) {
    add(result_.all);
    add(shared ? result_.shared_heads : categories_[trace_.requests[r].category]);
  }

  // `count` blocks that request `last` touched are used again by `now`.
  void AddReuse(uint32_t last, uint32_t now, uint32_t count, bool shared) {
    if (count == 0) return;
    const auto& opened = trace_.requests[last];
    const auto& closed = trace_.requests[now];
    const double gap_s = Seconds(closed.time_ns - opened.time_ns);
    const double weight = static_cast<double>(count) / opened.count;
    (shared ? open_[last].shared : open_[last].own) -= count;
    result_.reuse_gap_s.Add(gap_s, count);
    if (opened.session == closed.session) result_.hits_within_session += count;
    ForCategories(last, shared, [&](TraceAnalysis::OfCategory& category) {
      category.intervals.AddReused(gap_s, weight);
      if (opened.time_ns >= middle_ns_) {
        category.halves[1].AddReused(gap_s, weight);
      } else if (closed.time_ns < middle_ns_) {
        category.halves[0].AddReused(gap_s, weight);
      } else {
        category.halves[0].AddCensored(Seconds(middle_ns_ - opened.time_ns), weight);
      }
    });
  }

  // What request `r` touched and nobody after it.
  void Censor(uint32_t r, uint32_t count, bool shared) {
    if (count == 0) return;
    const auto& request = trace_.requests[r];
    const double weight = static_cast<double>(count) / request.count;
    const bool second = request.time_ns >= middle_ns_;
    const double half_s = Seconds((second ? end_ns_ : middle_ns_) - request.time_ns);
    ForCategories(r, shared, [&](TraceAnalysis::OfCategory& category) {
      category.intervals.AddCensored(Seconds(end_ns_ - request.time_ns), weight);
      category.halves[second ? 1 : 0].AddCensored(half_s, weight);
    });
  }

  void FinishBlocks() {
    for (size_t block = 0; block < hits_.size(); ++block) {
      const int64_t first_ns = trace_.requests[first_request_[block]].time_ns;
      const int64_t last_ns = trace_.requests[touches_.RequestOf(block)].time_ns;
      result_.lifespan_s.Add(Seconds(last_ns - first_ns), 1);
      if (hits_[block] > 0) ++result_.reused_blocks;
    }
    std::sort(hits_.begin(), hits_.end(), std::greater<>());
    for (const uint32_t hits : hits_) {
      auto& counts = result_.reuse_counts;
      if (counts.empty() || counts.back().first != hits) counts.emplace_back(hits, 0);
      ++counts.back().second;
    }
    uint64_t sum = 0;
    size_t next = 0;
    for (const double share : kSkewShares) {
      const auto end = static_cast<size_t>(share * static_cast<double>(hits_.size()) + 0.5);
      for (; next < end; ++next) sum += hits_[next];
      const auto all = static_cast<double>(std::max<uint64_t>(result_.totals.hit_blocks, 1));
      result_.skew.emplace_back(share, static_cast<double>(sum) / all);
    }
  }

  void FinishDepths() {
    double value = 0;
    double hit_value = 0;
    for (const TraceAnalysis::AtDepth& depth : result_.every_depth) {
      const double one = RecomputeValue(static_cast<uint32_t>(depth.first), trace_.block_tokens);
      value += one * static_cast<double>(depth.blocks);
      hit_value += one * static_cast<double>(depth.hit_blocks);
      const auto bucket = static_cast<size_t>(std::bit_width(depth.first));
      if (bucket == result_.depths.size()) {
        result_.depths.push_back({depth.first, uint64_t{1} << bucket, 0, 0});
      }
      result_.depths.back().blocks += depth.blocks;
      result_.depths.back().hit_blocks += depth.hit_blocks;
    }
    result_.saved_recompute_ratio = hit_value / value;
  }

  void FinishTotals() {
    result_.unique_blocks = trace_.block_count();
    result_.block_tokens = trace_.block_tokens;
    result_.sessions = session_requests_.size();
    result_.duration_s = Seconds(end_ns_ - start_ns_);
    result_.all.totals = result_.totals;
    for (size_t c = 0; c < categories_.size(); ++c) {
      if (categories_[c].totals.requests == 0) continue;
      result_.categories.emplace_back(trace_.category_names[c], std::move(categories_[c]));
    }
    std::stable_sort(result_.categories.begin(), result_.categories.end(),
                     [](const auto& a, const auto& b) {
                       return a.second.totals.requests > b.second.totals.requests;
                     });
  }

  // A request's blocks that nobody has touched since: those that were shared heads then, and the
  // rest.
  struct Open {
    uint32_t shared = 0;
    uint32_t own = 0;
  };

  const SimulatedTrace& trace_;
  const int64_t start_ns_;
  const int64_t end_ns_;
  const int64_t middle_ns_;
  LastTouches touches_;
  // By block.
  std::vector<uint32_t> first_request_;
  std::vector<uint32_t> hits_;
  std::vector<Open> open_;  // by request
  // By session.
  std::vector<uint32_t> session_requests_;
  std::vector<uint8_t> session_seen_;

  std::vector<TraceAnalysis::OfCategory> categories_;
  TraceAnalysis result_;
};

}  // namespace

uint64_t WeightedSample::count() const {
  uint64_t count = 0;
  for (const auto& [value, n] : values_) count += n;
  return count;
}

void WeightedSample::Sort() {
  if (!sorted_) std::sort(values_.begin(), values_.end());
  sorted_ = true;
}

double WeightedSample::Quantile(double q) {
  if (values_.empty()) return 0;
  Sort();
  const double wanted = q * static_cast<double>(count());
  uint64_t below = 0;
  for (const auto& [value, n] : values_) {
    below += n;
    if (static_cast<double>(below) >= wanted) return value;
  }
  return values_.back().first;
}

std::vector<std::pair<double, uint64_t>> WeightedSample::counts() {
  Sort();
  std::vector<std::pair<double, uint64_t>> counts;
  for (const auto& [value, n] : values_) {
    if (counts.empty() || counts.back().first != value) counts.emplace_back(value, 0);
    counts.back().second += n;
  }
  return counts;
}

TraceAnalysis AnalyzeTrace(const SimulatedTrace& trace) { return Analyzer(trace).Run(); }

}  // namespace halflife::tools
