#include "tools/plan/capacity_curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace halflife::tools {
namespace {

constexpr int kEdges = kAgeBins + 1;
// Prices per block-second at which the index curve is cut, between the largest and the smallest
// index of any class; in between it is interpolated.
constexpr int kPrices = 200;
constexpr double kLeastPrice = 1e-9;
constexpr int kBisections = 60;

// Of one class in one slot, by age: openings whose block would be so old or younger, and thereof
// those still open; and what these hit.
struct UpToAge {
  std::array<double, kEdges> opened{};
  std::array<CapacityCurve::Kept, kEdges> kept{};
};

// Openings of a class as a function of time, from 0 on: even within a slot.
class Openings {
 public:
  Openings(const std::vector<double>& by_slot, double slot_s, Load load)
      : slot_s_(slot_s), load_(load), until_(by_slot.size() + 1), integral_(by_slot.size() + 1) {
    for (size_t slot = 0; slot < by_slot.size(); ++slot) {
      until_[slot + 1] = until_[slot] + by_slot[slot];
      integral_[slot + 1] = integral_[slot] + slot_s * (until_[slot] + by_slot[slot] / 2);
    }
  }

  // Mean over slot `slot` of the openings within the last `age_s`.
  double WithinAge(int slot, double age_s) const {
    const double begin_s = slot * slot_s_;
    const double end_s = begin_s + slot_s_;
    const double all = Integral(end_s) - Integral(begin_s);
    return (all - (Integral(end_s - age_s) - Integral(begin_s - age_s))) / slot_s_;
  }

 private:
  // Of the number of openings until then, over time, from 0 to `time_s`.
  double Integral(double time_s) const {
    const double duration_s = slot_s_ * static_cast<double>(until_.size() - 1);
    if (time_s >= 0 && time_s <= duration_s) return IntegralWithin(time_s);
    if (load_ == Load::kTrace) return time_s < 0 ? 0 : integral_.back();
    // Repeated: `periods` whole ones, each of which begins with as many openings more.
    const double periods = std::floor(time_s / duration_s);
    const double rest_s = std::clamp(time_s - periods * duration_s, 0.0, duration_s);
    return periods * integral_.back() +
           until_.back() * (duration_s * periods * (periods - 1) / 2 + periods * rest_s) +
           IntegralWithin(rest_s);
  }

  double IntegralWithin(double time_s) const {
    const auto last = until_.size() - 2;
    const auto slot = std::min(static_cast<size_t>(time_s / slot_s_), last);
    const double into_s = time_s - static_cast<double>(slot) * slot_s_;
    const double opened = until_[slot + 1] - until_[slot];
    return integral_[slot] + into_s * (until_[slot] + opened * into_s / slot_s_ / 2);
  }

  const double slot_s_;
  const Load load_;
  std::vector<double> until_;     // openings before the slot
  std::vector<double> integral_;  // of that over time
};

double BinEnd(int bin) { return kAgeEdgesS[bin] + AgeBinWidthS(bin); }

double Quotient(double part, double whole) { return whole > 0 ? part / whole : 0; }

// Mean survival within a bin in which the hazard is constant.
double MeanSurvival(double begin, double end) {
  if (end <= 0 || end >= begin) return (begin + end) / 2;
  return (begin - end) / std::log(begin / end);
}

UpToAge UpToAgeIn(const ReuseClass& reuse, const std::array<double, kEdges>& survival,
                  const Openings& openings, int slot, double slot_s) {
  UpToAge sums;
  double before = 0;
  for (int bin = 0; bin < kAgeBins; ++bin) {
    const double within = openings.WithinAge(slot, BinEnd(bin));
    const double opened = within - before;
    before = within;
    const double ended = survival[bin] - survival[bin + 1];
    const double reused = opened / AgeBinWidthS(bin) * ended * slot_s;
    const double all = reuse.intervals.reused[bin];
    const CapacityCurve::Kept& younger = sums.kept[bin];
    sums.opened[bin + 1] = within;
    sums.kept[bin + 1] = {younger.blocks + opened * MeanSurvival(survival[bin], survival[bin + 1]),
                          younger.hits + reused * Quotient(reuse.hits[bin], all),
                          younger.hit_value + reused * Quotient(reuse.hit_value[bin], all)};
  }
  return sums;
}

// How long a price keeps the blocks of a class, in age bins, the last in part.
double BinsKept(const ReuseClass& reuse, double price) {
  int bin = 0;
  while (bin < kAgeBins && reuse.index[bin] >= price) ++bin;
  if (bin == 0 || bin == kAgeBins) return bin;
  const double fall = reuse.index[bin - 1] - reuse.index[bin];
  return bin - 1 + (reuse.index[bin - 1] - price) / fall;
}

CapacityCurve::Kept KeptFor(const UpToAge& sums, double bins) {
  const int bin = std::min(static_cast<int>(bins), kAgeBins - 1);
  const double part = bins - bin;
  const auto& a = sums.kept[bin];
  const auto& b = sums.kept[bin + 1];
  return {a.blocks + part * (b.blocks - a.blocks), a.hits + part * (b.hits - a.hits),
          a.hit_value + part * (b.hit_value - a.hit_value)};
}

// From the highest to the lowest index; the last keeps everything.
std::vector<double> Prices(const ReuseClasses& reuse) {
  double high = kLeastPrice;
  double low = 1;
  for (const ReuseClass& c : reuse.classes) {
    high = std::max(high, *std::max_element(c.index.begin(), c.index.end()));
    low = std::min(low, *std::min_element(c.index.begin(), c.index.end()));
  }
  low = std::clamp(low, kLeastPrice, high);
  std::vector<double> prices;
  for (int i = 0; i < kPrices; ++i) {
    prices.push_back(high * std::pow(low / high, static_cast<double>(i) / (kPrices - 1)));
  }
  prices.back() = 0;
  return prices;
}

void AddClass(const ReuseClass& reuse, const ReuseClasses& all, Load load,
              const std::vector<double>& prices, CapacityCurves& curves) {
  const std::array<double, kEdges> survival = LifeTable(reuse.intervals);
  const Openings openings(reuse.opened, all.slot_s, load);
  std::vector<double> bins_kept;
  for (const double price : prices) bins_kept.push_back(BinsKept(reuse, price));
  for (int slot = 0; slot < all.slots; ++slot) {
    const UpToAge sums = UpToAgeIn(reuse, survival, openings, slot, all.slot_s);
    for (int edge = 1; edge < kEdges; ++edge) {
      CapacityCurve::Kept kept = sums.kept[edge];
      curves.lru.Add(slot, edge, kept);
      // Without those that will not be reused before this age.
      kept.blocks = std::max(0.0, kept.blocks - survival[edge] * sums.opened[edge]);
      curves.clairvoyant.Add(slot, edge, kept);
    }
    for (int i = 0; i < kPrices; ++i) curves.index.Add(slot, i + 1, KeptFor(sums, bins_kept[i]));
  }
}

// Smallest x in [0, max] at which `at_least(x)`, which must hold from there on; negative if none.
template <typename AtLeast>
double Smallest(double max, AtLeast at_least) {
  if (!at_least(max)) return -1;
  double low = 0;
  double high = max;
  for (int i = 0; i < kBisections && high - low > 0.5; ++i) {
    const double middle = (low + high) / 2;
    (at_least(middle) ? high : low) = middle;
  }
  return high;
}

}  // namespace

CapacityCurve::CapacityCurve(int slots, int cutoffs)
    : slots_(slots), cutoffs_(cutoffs), kept_(static_cast<size_t>(slots) * cutoffs) {}

void CapacityCurve::Add(int slot, int cutoff, const Kept& kept) {
  Kept& sum = kept_[static_cast<size_t>(slot) * cutoffs_ + cutoff];
  sum.blocks += kept.blocks;
  sum.hits += kept.hits;
  sum.hit_value += kept.hit_value;
}

ExpectedHits CapacityCurve::At(double capacity_blocks) const {
  ExpectedHits all;
  for (int slot = 0; slot < slots_; ++slot) {
    const auto begin = kept_.begin() + static_cast<std::ptrdiff_t>(slot) * cutoffs_;
    const auto end = begin + cutoffs_;
    const auto above =
        std::upper_bound(begin + 1, end, capacity_blocks,
                         [](double blocks, const Kept& kept) { return blocks < kept.blocks; });
    const Kept& low = *(above - 1);
    all.hits += low.hits;
    all.hit_value += low.hit_value;
    if (above == end) continue;  // all fits
    const double hits_per_block = (above->hits - low.hits) / (above->blocks - low.blocks);
    const double value_per_block =
        (above->hit_value - low.hit_value) / (above->blocks - low.blocks);
    all.hits += hits_per_block * (capacity_blocks - low.blocks);
    all.hit_value += value_per_block * (capacity_blocks - low.blocks);
    all.hits_per_block += hits_per_block;
    all.value_per_block += value_per_block;
  }
  return all;
}

double CapacityCurve::CapacityFor(double hits, double max_blocks) const {
  return Smallest(max_blocks, [&](double blocks) { return At(blocks).hits >= hits; });
}

ExpectedHits CapacityCurves::HalflifeAt(double capacity_blocks) const {
  const ExpectedHits by_index = index.At(capacity_blocks);
  const ExpectedHits by_recency = lru.At(capacity_blocks);
  return by_index.hits >= by_recency.hits ? by_index : by_recency;
}

double CapacityCurves::HalflifeCapacityFor(double hits, double max_blocks) const {
  return Smallest(max_blocks, [&](double blocks) { return HalflifeAt(blocks).hits >= hits; });
}

CapacityCurves CurvesOf(const ReuseClasses& reuse, Load load) {
  CapacityCurves curves{CapacityCurve(reuse.slots, kEdges), CapacityCurve(reuse.slots, kEdges),
                        CapacityCurve(reuse.slots, kPrices + 1)};
  const std::vector<double> prices = Prices(reuse);
  for (const ReuseClass& one : reuse.classes) AddClass(one, reuse, load, prices, curves);
  return curves;
}

}  // namespace halflife::tools
