#include "tools/analyze/category_study.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_format.h"
#include "storage/residency/categories/category_words.h"
#include "storage/residency/model/reuse_summary.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

constexpr double kTrainShare = 0.75;

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) * 1e-9;
}

class Study {
 public:
  Study(const SimulatedTrace& trace, const CategoryRequests& requests)
      : trace_(trace),
        requests_(requests),
        intervals_(trace),
        count_(static_cast<uint32_t>(trace.requests.size())),
        end_ns_(trace.requests.back().time_ns) {}

  CategoryStudy Run(std::vector<CategoryPin> pins) {
    CategoryStudy study{GrownTree{CategoryTree(pins), {}, {}, 0, 0}, {}, {}, {}, {}, 0, 0, 0};
    study.attributes = requests_.schema.Describe();
    study.duration_s = SecondsBetween(trace_.requests.front().time_ns, end_ns_);
    const auto cut = static_cast<uint32_t>(kTrainShare * count_);
    const ObservationWindows windows{Seen(0, cut), Seen(cut, count_)};
    const ObservationTable* const both[] = {&windows.train, &windows.next};
    study.seen = LevelsSeen(both);
    GrowthOptions options;
    options.horizon_s = study.duration_s;
    options.pins = std::move(pins);
    study.grown = GrowTree(windows, study.attributes, options);
    const CategoryTree one = CategoryTree(options.pins).Refitted(windows.train, options.horizon_s);
    const auto next_count = std::max<double>(1, count_ - cut);
    study.one_model_nats = one.LogLikelihood(windows.next) / next_count;
    study.tree_nats = study.grown.tree.LogLikelihood(windows.next) / next_count;
    Describe(study);
    return study;
  }

 private:
  // Requests [first, end) as they looked when the last of them came.
  ObservationTable Seen(uint32_t first, uint32_t end) const {
    const int64_t seen_until_ns = end > 0 ? trace_.requests[end - 1].time_ns : 0;
    return intervals_.Observe(requests_, first, end, seen_until_ns);
  }

  void Describe(CategoryStudy& study) const {
    const CategoryTree& tree = study.grown.tree;
    study.categories.resize(tree.category_count());
    for (size_t c = 0; c < study.categories.size(); ++c) {
      study.categories[c].rule =
          CategoryInWords(tree, static_cast<int>(c), study.attributes, study.seen);
    }
    std::vector<std::vector<uint32_t>> members(study.categories.size());
    const auto add = [&](const ObservationTable& table, auto histogram_of) {
      for (size_t i = 0; i < table.request_count(); ++i) {
        table.AddTo(i, histogram_of(study.categories[tree.CategoryOf(table.levels(i))]));
      }
    };
    const auto middle_ns =
        trace_.requests.front().time_ns + (end_ns_ - trace_.requests.front().time_ns) / 2;
    const auto middle = static_cast<uint32_t>(
        std::partition_point(trace_.requests.begin(), trace_.requests.end(),
                             [&](const auto& request) { return request.time_ns < middle_ns; }) -
        trace_.requests.begin());
    add(Seen(0, count_), [](auto& category) -> IdleHistogram& { return category.intervals; });
    add(intervals_.Observe(requests_, 0, middle, middle_ns),
        [](auto& category) -> IdleHistogram& { return category.halves[0]; });
    add(Seen(middle, count_), [](auto& category) -> IdleHistogram& { return category.halves[1]; });
    for (uint32_t r = 0; r < count_; ++r) {
      members[tree.CategoryOf(requests_.requests[r].levels)].push_back(r);
    }
    CountByNode(study);
    for (size_t c = 0; c < study.categories.size(); ++c) {
      study.categories[c].requests = members[c].size();
      study.categories[c].example = Example(study.categories[c], members[c]);
    }
  }

  void CountByNode(CategoryStudy& study) const {
    const std::vector<CategoryTree::Node>& nodes = study.grown.tree.nodes();
    study.node_requests.assign(nodes.size(), 0);
    for (uint32_t r = 0; r < count_; ++r) {
      const int leaf = study.grown.tree.LeafOf(requests_.requests[r].levels);
      if (leaf >= 0) ++study.node_requests[leaf];
    }
    // Children come behind their parent.
    for (size_t node = nodes.size(); node-- > 0;) {
      if (nodes[node].attribute < 0) continue;
      study.node_requests[node] = study.node_requests[nodes[node].left_child] +
                                  study.node_requests[nodes[node].right_child];
    }
  }

  // What most of its requests do: come back, at about the half-life, or not.
  std::string Example(const CategoryStudy::Category& category,
                      const std::vector<uint32_t>& members) const {
    const double horizon_s = SecondsBetween(trace_.requests.front().time_ns, end_ns_);
    const ReuseSummary summary = SummariseReuse(category.intervals, horizon_s);
    const bool comes_back = summary.reuse_probability >= 0.5;
    // One that was watched for long says more.
    const double wanted_s = comes_back ? summary.half_life_s : horizon_s / 2;
    double best_distance = 0;
    std::string best;
    for (const uint32_t r : members) {
      const CategoryIntervals::Reuse* reuse = MainReuse(r);
      if (comes_back != (reuse != nullptr)) continue;
      const int64_t until_ns = reuse ? trace_.requests[reuse->closed_by].time_ns : end_ns_;
      const double distance =
          std::abs(SecondsBetween(trace_.requests[r].time_ns, until_ns) - wanted_s);
      if (!best.empty() && distance >= best_distance) continue;
      best_distance = distance;
      best = Tell(r, reuse);
    }
    return best;
  }

  // The one that used most of the request's blocks again; null if less than half of them.
  const CategoryIntervals::Reuse* MainReuse(uint32_t r) const {
    const CategoryIntervals::Reuse* main = nullptr;
    for (const auto& reuse : intervals_.ReusesOf(r)) {
      if (main == nullptr || reuse.blocks > main->blocks) main = &reuse;
    }
    return main != nullptr && 2 * main->blocks >= intervals_.OwnBlocksOf(r) ? main : nullptr;
  }

  std::string Tell(uint32_t r, const CategoryIntervals::Reuse* reuse) const {
    const auto& request = trace_.requests[r];
    const auto at_s =
        static_cast<int>(SecondsBetween(trace_.requests.front().time_ns, request.time_ns));
    const auto& described = requests_.requests[r];
    std::string text =
        absl::StrFormat("request %d at %d:%02d:%02d, turn %d, %d blocks: ",
                        described.chat >= 0 ? described.chat : static_cast<int64_t>(r), at_s / 3600,
                        at_s / 60 % 60, at_s % 60, described.turn, request.count);
    const auto human = [](double seconds) { return HumanText(Cell::Seconds(seconds)); };
    if (reuse == nullptr) {
      return text + "not used again in " + human(SecondsBetween(request.time_ns, end_ns_));
    }
    const auto& next = trace_.requests[reuse->closed_by];
    const bool same_session = next.session == request.session;
    return text + absl::StrFormat("%d used again after %s by %s", reuse->blocks,
                                  human(SecondsBetween(request.time_ns, next.time_ns)),
                                  same_session ? "its session" : "another session");
  }

  const SimulatedTrace& trace_;
  const CategoryRequests& requests_;
  const CategoryIntervals intervals_;
  const uint32_t count_;
  const int64_t end_ns_;
};

}  // namespace

CategoryStudy StudyCategories(const SimulatedTrace& trace, const CategoryRequests& requests,
                              std::vector<CategoryPin> pins) {
  return Study(trace, requests).Run(std::move(pins));
}

}  // namespace halflife::tools
