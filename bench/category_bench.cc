// What the categoriser costs: growing a tree, fitting 32 categories anew, and sorting a request
// into its category.
//
//   halflife_category_bench [requests, default 32,768]
//
// Requests with 8 attributes of 8 levels, whose reuse depends on five binary questions: 32
// categories. Three intervals each. One JSON object; times are the best of 10, growth of 3.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "storage/residency/categories/tree_growth.h"

namespace halflife {
namespace {

constexpr int kQuestions = 5;
constexpr int kAttributes = 8;
constexpr double kWindowS = 3600;

RequestLevels RandomLevels(std::mt19937_64& random) {
  RequestLevels levels{};
  for (int a = 0; a < kAttributes; ++a) levels[a] = static_cast<uint8_t>(random() % 8);
  return levels;
}

ObservationTable Draw(size_t requests, std::mt19937_64& random) {
  ObservationTable table;
  std::uniform_real_distribution<double> uniform(1e-9, 1);
  for (size_t i = 0; i < requests; ++i) {
    const RequestLevels levels = RandomLevels(random);
    int cell = 0;
    for (int q = 0; q < kQuestions; ++q) cell = 2 * cell + (levels[q] < 4 ? 1 : 0);
    const double watched_s = kWindowS * uniform(random);
    const double mean_s = std::exp(1 + cell * 0.15);
    table.StartRequest(levels);
    for (int interval = 0; interval < 3; ++interval) {
      const double gap_s = -mean_s * std::log(uniform(random));
      const bool is_reused = uniform(random) < (cell + 1) / 33.0 && gap_s < watched_s;
      is_reused ? table.AddReused(gap_s, 1. / 3) : table.AddCensored(watched_s, 1. / 3);
    }
  }
  return table;
}

template <typename Work>
double BestMs(int times, Work work) {
  double best_ms = 1e300;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best_ms = std::min(best_ms, took.count());
  }
  return best_ms;
}

CategoryTree FullTree() {
  CategoryTree tree;
  for (int q = 0; q < kQuestions; ++q) {
    for (const int leaf : tree.leaves()) tree.Split(leaf, q, 0x0f);
  }
  return tree;
}

int Main(size_t requests) {
  std::mt19937_64 random(1);
  const ObservationWindows windows{Draw(requests * 3 / 4, random), Draw(requests / 4, random)};
  const std::vector<AttributeDescription> attributes(kAttributes, {"attribute", true, {}});
  GrowthOptions options;
  options.horizon_s = kWindowS;
  size_t grown_categories = 0;
  const double grow_ms = BestMs(
      3, [&] { grown_categories = GrowTree(windows, attributes, options).tree.category_count(); });
  const CategoryTree tree = FullTree();
  const double refit_ms = BestMs(10, [&] { tree.Refitted(windows.train, kWindowS); });
  uint64_t sum = 0;
  const double assign_ms = BestMs(10, [&] {
    for (size_t i = 0; i < windows.train.request_count(); ++i) {
      sum += static_cast<uint64_t>(tree.CategoryOf(windows.train.levels(i)));
    }
  });
  std::printf(
      "{\"requests\": %zu, \"categories\": %zu, \"refit_ms\": %.2f, \"grow_ms\": %.0f, "
      "\"grown_categories\": %zu, \"assign_ns\": %.1f, \"checksum\": %llu}\n",
      requests, tree.category_count(), refit_ms, grow_ms, grown_categories,
      assign_ms * 1e6 / static_cast<double>(windows.train.request_count()),
      static_cast<unsigned long long>(sum));
  return 0;
}

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  return halflife::Main(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 32'768);
}
