#include "storage/residency/live/hit_ceilings.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "storage/residency/live/chain_optimum.h"

namespace halflife {
namespace {

using Request = RequestSample::Request;
using Reference = RequestSample::Reference;

// A sample as one sequence of requests over dense block numbers.
struct Flat {
  std::vector<const Request*> requests;
  std::vector<Reference> marks;  // by reference
  std::vector<uint32_t> references;
  std::vector<uint64_t> ends;  // by request
  size_t blocks = 0;
};

Flat Flatten(const RequestSample::Snapshot& sample) {
  Flat flat;
  absl::flat_hash_map<uint64_t, uint32_t> numbers;
  std::vector<size_t> named_by;  // the last request, by block
  for (const auto& segment : sample.segments) {
    for (const Request& request : segment->requests) {
      flat.requests.push_back(&request);
      for (const Reference& at : segment->ReferencesOf(request)) {
        const auto next = static_cast<uint32_t>(named_by.size());
        const uint32_t number = numbers.try_emplace(at.block, next).first->second;
        if (number == next) named_by.push_back(0);
        if (named_by[number] == flat.requests.size()) continue;  // twice in one request
        named_by[number] = flat.requests.size();
        flat.references.push_back(number);
        flat.marks.push_back(at);
      }
      flat.ends.push_back(flat.references.size());
    }
  }
  flat.blocks = named_by.size();
  return flat;
}

// The first request that counts.
size_t CountedFrom(const RequestSample::Snapshot& sample, const Flat& flat) {
  if (sample.from_start) return 0;
  const int64_t first_ns = flat.requests.front()->time_ns;
  const int64_t middle_ns = first_ns + (sample.taken_ns - first_ns) / 2;
  const auto at = std::partition_point(
      flat.requests.begin(), flat.requests.end(),
      [middle_ns](const Request* request) { return request->time_ns < middle_ns; });
  return static_cast<size_t>(at - flat.requests.begin());
}

// Sampled references.
struct Tally {
  double hits = 0;
  double optimal_hits = 0;
  double compulsory = 0;
  double capacity = 0;
  double policy = 0;
  double other = 0;

  double misses() const { return compulsory + capacity + policy + other; }
};

void Count(const Reference& at, bool is_optimal_hit, bool lost, Tally& tally) {
  tally.optimal_hits += is_optimal_hit ? 1 : 0;
  if (at.hit) {
    ++tally.hits;
  } else if (!at.seen) {
    ++tally.compulsory;
  } else if (lost) {
    ++tally.other;
  } else if (is_optimal_hit) {
    ++tally.policy;
  } else {
    ++tally.capacity;
  }
}

Tally Compare(const Flat& flat, size_t counted_from, size_t capacity_blocks) {
  ChainOptimum optimum(flat.references, flat.ends, flat.blocks, capacity_blocks);
  Tally tally;
  for (size_t r = 0; r < flat.requests.size(); ++r) {
    const size_t optimal_hits = optimum.ServeNext();
    if (r < counted_from) continue;
    const uint64_t first = r == 0 ? 0 : flat.ends[r - 1];
    for (uint64_t at = first; at < flat.ends[r]; ++at) {
      Count(flat.marks[at], at - first < optimal_hits, flat.requests[r]->lost, tally);
    }
  }
  return tally;
}

}  // namespace

HitCeilings CeilingsOf(const RequestSample::Snapshot& sample, uint64_t capacity_bytes) {
  HitCeilings ceilings;
  ceilings.sample_rate = sample.rate();
  const Flat flat = Flatten(sample);
  if (flat.references.empty()) return ceilings;
  const size_t counted_from = CountedFrom(sample, flat);
  if (counted_from == flat.requests.size()) return ceilings;
  const Request& first = *flat.requests[counted_from];
  ceilings.window_s = static_cast<double>(sample.taken_ns - first.time_ns) / 1e9;
  ceilings.lookup_blocks = sample.lookup_blocks;
  ceilings.hit_blocks = sample.hit_blocks;
  if (!sample.from_start) {  // else requests without a sampled block came first
    ceilings.lookup_blocks -= first.lookup_blocks_before;
    ceilings.hit_blocks -= first.hit_blocks_before;
  }
  if (const double block_bytes = sample.MeanBlockBytes(); block_bytes > 0) {
    ceilings.capacity_blocks =
        static_cast<uint64_t>(static_cast<double>(capacity_bytes) / block_bytes);
  }
  const double scaled = std::round(static_cast<double>(ceilings.capacity_blocks) * sample.rate());
  const Tally tally = Compare(flat, counted_from, static_cast<size_t>(std::max(1.0, scaled)));
  ceilings.sampled_blocks = static_cast<uint64_t>(tally.hits + tally.misses());

  const auto lookups = static_cast<double>(ceilings.lookup_blocks);
  ceilings.hit_ratio = static_cast<double>(ceilings.hit_blocks) / lookups;
  // Sampled misses -> share of all blocks that were looked up.
  const double share = tally.misses() > 0 ? (1 - ceilings.hit_ratio) / tally.misses() : 0;
  ceilings.lost_to_compulsory_ratio = tally.compulsory * share;
  ceilings.lost_to_capacity_ratio = tally.capacity * share;
  ceilings.lost_to_policy_ratio = tally.policy * share;
  ceilings.lost_otherwise_ratio = tally.other * share;
  ceilings.infinite_hit_ratio = 1 - ceilings.lost_to_compulsory_ratio;
  // An optimum that was not warmed up for long enough may come out below what was hit.
  ceilings.optimal_hit_ratio =
      ceilings.hit_ratio + std::max(0.0, tally.optimal_hits - tally.hits) * share;
  return ceilings;
}

}  // namespace halflife
