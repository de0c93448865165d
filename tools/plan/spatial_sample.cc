#include "tools/plan/spatial_sample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "common/hashing.h"

namespace halflife::tools {
namespace {

// Of one weight.
constexpr double kMinSampledReferences = 8;
// References of a hot block, of all; in a small trace more.
constexpr double kHotShare = 0.01;
constexpr double kHotShareOfFew = 100;  // / number of blocks

uint64_t HashOf(uint32_t block, uint64_t seed) {
  return Xxh3_64({reinterpret_cast<const uint8_t*>(&block), sizeof block}, seed);
}

std::vector<uint8_t> HotBlocks(const SimulatedTrace& trace) {
  std::vector<uint32_t> touches(trace.block_count());
  for (const uint32_t block : trace.references) ++touches[block];
  const double share = std::max(kHotShare, kHotShareOfFew / static_cast<double>(touches.size()));
  const double limit = share * static_cast<double>(trace.references.size());
  std::vector<uint8_t> is_hot(touches.size());
  for (size_t block = 0; block < touches.size(); ++block) is_hot[block] = touches[block] > limit;
  return is_hot;
}

// The `count` blocks of the smallest hashes of those that are not hot.
std::vector<uint8_t> Chosen(const std::vector<uint8_t>& is_hot, size_t count, uint64_t seed) {
  std::vector<uint64_t> hashes;
  for (uint32_t block = 0; block < is_hot.size(); ++block) {
    if (is_hot[block] == 0) hashes.push_back(HashOf(block, seed));
  }
  const auto last = hashes.begin() + static_cast<std::ptrdiff_t>(count) - 1;
  std::nth_element(hashes.begin(), last, hashes.end());
  const uint64_t limit = *last;
  std::vector<uint8_t> is_chosen(is_hot.size());
  for (uint32_t block = 0; block < is_hot.size(); ++block) {
    is_chosen[block] = is_hot[block] == 0 && HashOf(block, seed) <= limit;
  }
  return is_chosen;
}

// The chosen blocks of a trace, numbered anew.
SimulatedTrace Thinned(const SimulatedTrace& trace, const std::vector<uint8_t>& is_chosen) {
  SimulatedTrace thin;
  thin.block_tokens = trace.block_tokens;
  thin.category_names = trace.category_names;
  // By block: its new number if it is chosen, else that of the nearest chosen block above it.
  std::vector<uint32_t> number(trace.block_count());
  for (uint32_t block = 0; block < trace.block_count(); ++block) {
    const uint32_t parent = trace.parent[block];  // has a smaller number
    number[block] = parent == kNoBlock ? kNoBlock : number[parent];
    if (is_chosen[block] == 0) continue;
    thin.parent.push_back(number[block]);
    thin.depth.push_back(trace.depth[block]);
    number[block] = static_cast<uint32_t>(thin.parent.size() - 1);
  }
  for (const auto& request : trace.requests) {
    auto seen = request;
    seen.first = thin.references.size();
    seen.absorbed = 0;
    const auto blocks = trace.BlocksOf(request);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      if (is_chosen[blocks[i]] == 0) continue;
      thin.references.push_back(number[blocks[i]]);
      if (i < request.absorbed) ++seen.absorbed;
    }
    seen.count = static_cast<uint32_t>(thin.references.size() - seen.first);
    if (seen.count > 0) thin.requests.push_back(seen);
  }
  return thin;
}

// `sampled`: looked-up references of the sample. A gap that the sample has too few of counts with
// the next longer one.
GapCounts Weights(const GapCounts& sampled, const GapCounts& whole) {
  GapCounts weights{};
  int begin = 0;
  double in_sample = 0;
  double in_whole = 0;
  for (int bin = 0; bin < kNeverTouched; ++bin) {
    in_sample += sampled[bin];
    in_whole += whole[bin];
    const bool is_last = bin + 1 == kNeverTouched;
    if (in_sample < kMinSampledReferences && !is_last) continue;
    const double weight = in_sample > 0 ? in_whole / in_sample : 0;
    std::fill(weights.begin() + begin, weights.begin() + bin + 1, weight);
    begin = bin + 1;
    in_sample = in_whole = 0;
  }
  const int never = kNeverTouched;
  if (sampled[never] > 0) weights[never] = whole[never] / sampled[never];
  return weights;
}

// Counts the hot blocks' references as hits but for each one's first, and takes them out of
// `lookups`.
void TakeOutHot(const SimulatedTrace& trace, const std::vector<uint8_t>& is_hot, GapCounts& lookups,
                SpatialSample& sample) {
  std::vector<uint8_t> hot_and_new = is_hot;
  std::vector<int64_t> last_ns(trace.block_count());
  for (const auto& request : trace.requests) {
    const auto blocks = trace.BlocksOf(request);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      const uint32_t block = blocks[i];
      if (is_hot[block] == 0) continue;
      const bool is_new = hot_and_new[block] != 0;
      const int bin = is_new ? kNeverTouched : GapBinOf(last_ns[block], request.time_ns);
      hot_and_new[block] = 0;
      last_ns[block] = request.time_ns;
      if (i < request.absorbed) continue;
      lookups[bin] -= 1;
      sample.hot_lookups += 1;
      sample.hot_hits += is_new ? 0 : 1;
    }
  }
}

}  // namespace

size_t SpatialSample::ScaledCapacity(size_t blocks) const {
  const auto rest = static_cast<double>(blocks - std::min(blocks, hot_blocks));
  return std::max<size_t>(1, std::llround(rest * rate));
}

SpatialSample SampleBlocks(const SimulatedTrace& trace, size_t max_blocks, uint64_t seed) {
  SpatialSample sample;
  GapCounts lookups = LookupsByGap(trace);
  if (trace.block_count() <= std::max<size_t>(max_blocks, 1)) {
    sample.trace = trace;
  } else {
    const std::vector<uint8_t> is_hot = HotBlocks(trace);
    sample.hot_blocks = std::count(is_hot.begin(), is_hot.end(), 1);
    const size_t others = trace.block_count() - sample.hot_blocks;
    const size_t count = std::clamp<size_t>(max_blocks, 1, others);
    sample.rate = static_cast<double>(count) / static_cast<double>(others);
    sample.trace = Thinned(trace, Chosen(is_hot, count, seed));
    TakeOutHot(trace, is_hot, lookups, sample);
  }
  sample.weights = Weights(LookupsByGap(sample.trace), lookups);
  return sample;
}

double SampledRecencyRatio(const SpatialSample& sample, const RecencyCurve& curve, size_t blocks) {
  const double hits = curve.HitsAt(sample.ScaledCapacity(blocks)) + sample.hot_hits;
  return hits / (curve.lookup_blocks() + sample.hot_lookups);
}

double SampledHitRatio(const SpatialSample& sample, SimulatedCache& cache) {
  constexpr int64_t kNever = -1;
  const SimulatedTrace& trace = sample.trace;
  std::vector<int64_t> last_ns(trace.block_count(), kNever);
  double hits = sample.hot_hits;
  double lookups = sample.hot_lookups;
  for (const auto& request : trace.requests) {
    const size_t hit_blocks = cache.Serve(trace.View(request));
    const auto blocks = trace.BlocksOf(request);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      int64_t& last = last_ns[blocks[i]];
      const int bin = last == kNever ? kNeverTouched : GapBinOf(last, request.time_ns);
      last = request.time_ns;
      if (i < request.absorbed) continue;
      lookups += sample.weights[bin];
      if (i < hit_blocks) hits += sample.weights[bin];
    }
  }
  return lookups > 0 ? hits / lookups : 0;
}

}  // namespace halflife::tools
