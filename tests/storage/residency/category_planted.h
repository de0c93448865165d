#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "storage/residency/categories/observation_table.h"
#include "tools/workload/random.h"

namespace halflife {

// Requests of eight kinds that four attributes tell apart, beside two attributes that mean nothing.
// Which kind behaves how is drawn from the seed; the kinds differ in how probably their blocks are
// used again (.15 to .9) and how soon (15 or 180 s on average).
class PlantedRequests {
 public:
  enum Attributes { kType, kTurn, kStop, kLength, kTenant, kTemplate, kAttributes };
  static constexpr int kCells = 8;

  static std::vector<AttributeDescription> Descriptions() {
    return {{"type", false, {}},  {"turn", true, {}},    {"stop", false, {}},
            {"length", true, {}}, {"tenant", false, {}}, {"template", false, {}}};
  }

  explicit PlantedRequests(uint64_t seed) : random_(seed) {
    int i = 0;
    for (const double probability : {.15, .4, .65, .9}) {
      for (const double mean_s : {15.0, 180.0}) behaviours_[i++] = {probability, mean_s};
    }
    for (size_t last = kCells - 1; last > 0; --last) {
      std::swap(behaviours_[last], behaviours_[random_.Below(last + 1)]);
    }
  }

  // `requests` in two windows of an hour each; the true cell of each goes to `cells`.
  static bool IsTrain(size_t request) { return request % 4 != 3; }
  ObservationWindows Draw(size_t requests, std::vector<int>& cells) {
    ObservationWindows windows;
    for (size_t i = 0; i < requests; ++i) {
      const RequestLevels levels = Levels();
      cells.push_back(CellOf(levels));
      Observe(levels, behaviours_[cells.back()], IsTrain(i) ? windows.train : windows.next);
    }
    return windows;
  }

  static int CellOf(const RequestLevels& levels) {
    if (levels[kType] <= 2) {
      if (levels[kTurn] <= 2) return levels[kStop] == 1 ? 0 : 1;
      return levels[kLength] <= 5 ? 2 : 3;
    }
    if (levels[kType] == 3) return levels[kTurn] <= 2 ? 4 : 5;
    return levels[kStop] == 2 ? 6 : 7;
  }

  struct Behaviour {
    double reuse_probability = 0;
    double mean_s = 0;
  };
  const Behaviour& behaviour(int cell) const { return behaviours_[cell]; }
  // Two kinds change places: what was learned about them is wrong.
  void Swap(int a, int b) { std::swap(behaviours_[a], behaviours_[b]); }

 private:
  RequestLevels Levels() {
    RequestLevels levels{};
    const double type = random_.Uniform();
    levels[kType] = type < .3 ? 1 : type < .5 ? 2 : type < .75 ? 3 : 4;
    levels[kTurn] = 1;
    while (levels[kTurn] < 8 && random_.Chance(.65)) ++levels[kTurn];
    levels[kStop] = static_cast<uint8_t>(1 + random_.Below(3));
    levels[kLength] = static_cast<uint8_t>(1 + random_.Below(10));
    levels[kTenant] = static_cast<uint8_t>(1 + random_.Below(6));
    levels[kTemplate] = static_cast<uint8_t>(1 + random_.Below(12));
    return levels;
  }

  // The blocks of a request come back together, but for the tail of the chain, and are watched
  // until the window ends.
  void Observe(const RequestLevels& levels, const Behaviour& behaviour, ObservationTable& table) {
    constexpr double kWindowS = 3600;
    const double watched_s = kWindowS * random_.Uniform();
    const double blocks = 1 + static_cast<double>(random_.Below(30));
    const double gap_s = random_.Exponential(behaviour.mean_s);
    const bool is_reused = random_.Chance(behaviour.reuse_probability) && gap_s < watched_s;
    const double reused = is_reused ? std::ceil(blocks * (.7 + .3 * random_.Uniform())) : 0;
    table.StartRequest(levels);
    if (reused > 0) table.AddReused(gap_s, reused / blocks);
    if (reused < blocks) table.AddCensored(watched_s, 1 - reused / blocks);
  }

  tools::Random random_;
  std::array<Behaviour, kCells> behaviours_;
};

// How well two partitions agree: 1 = the same, 0 = as by chance (Hubert & Arabie, "Comparing
// partitions", J. Classification 2, 1985).
inline double AdjustedRandIndex(const std::vector<int>& a, const std::vector<int>& b) {
  std::map<int, double> in_a, in_b;
  std::map<std::pair<int, int>, double> in_both;
  for (size_t i = 0; i < a.size(); ++i) {
    ++in_a[a[i]];
    ++in_b[b[i]];
    ++in_both[{a[i], b[i]}];
  }
  const auto pairs = [](const auto& sizes) {
    double sum = 0;
    for (const auto& [key, n] : sizes) sum += n * (n - 1) / 2;
    return sum;
  };
  const auto n = static_cast<double>(a.size());
  const double expected = pairs(in_a) * pairs(in_b) / (n * (n - 1) / 2);
  return (pairs(in_both) - expected) / ((pairs(in_a) + pairs(in_b)) / 2 - expected);
}

}  // namespace halflife
