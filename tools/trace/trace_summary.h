#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tools/output/report.h"
#include "tools/trace/bounded_map.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// A sample of which quantiles are asked at the end. Exact up to `limit` values, then a uniform
// reservoir.
class Sample {
 public:
  static constexpr size_t kDefaultLimit = size_t{1} << 20;

  explicit Sample(size_t limit = kDefaultLimit) : limit_(limit) {}
  void Add(double value);
  uint64_t count() const { return count_; }
  // Value at rank floor(q * (n - 1)), 0 if empty. Sorts.
  double Quantile(double q);

 private:
  const size_t limit_;
  uint64_t count_ = 0;
  uint64_t random_state_ = 1;
  std::vector<double> values_;
};

// What a trace is like: totals, the hit ratio of an infinite cache, and the distributions that the
// workload profiles are made of. Memory grows with the distinct block ids (about 16 bytes each) and
// with nothing else. Not thread-safe.
class TraceSummary {
 public:
  void Add(const Request& request);
  // Tables: summary (a record), categories (by type), distributions (quantiles).
  Report MakeReport(uint32_t block_tokens);

  uint64_t requests() const { return requests_; }
  uint64_t blocks() const { return blocks_; }
  uint64_t unique_blocks() const { return seen_.size(); }
  // Blocks that the longest known prefix of their request holds.
  uint64_t ideal_hit_blocks() const { return hit_blocks_; }
  uint64_t sessions() const { return sessions_; }

 private:
  struct TypeTotals {
    uint64_t requests = 0, blocks = 0, hit_blocks = 0;
  };
  struct Previous {
    double time_s = 0;
    uint64_t input_tokens = 0;
  };
  struct StopTotals {
    uint64_t responses = 0, continued = 0;
  };
  uint64_t AddBlocks(const std::vector<uint64_t>& blocks);
  void AddToSession(const Request& request, uint64_t known_blocks);
  Table SummaryTable(uint32_t block_tokens) const;
  Table TypeTable() const;
  Table StopTable() const;
  Table DistributionTable();

  uint64_t requests_ = 0, requests_with_blocks_ = 0, blocks_ = 0, hit_blocks_ = 0, sessions_ = 0;
  uint64_t first_turns_ = 0, continuations_of_first_ = 0, later_turns_ = 0,
           continuations_of_later_ = 0;
  uint64_t sessions_with_known_prefix_ = 0, out_of_order_ = 0;
  uint64_t input_tokens_ = 0, output_tokens_ = 0;
  double first_s_ = 0, last_s_ = 0;
  absl::flat_hash_set<uint64_t> seen_;
  std::map<std::string, TypeTotals> types_;
  std::map<std::string, StopTotals> stops_;
  BoundedMap<int64_t, Previous> previous_{size_t{1} << 18};
  Sample first_input_, growth_, output_, gap_, user_gap_, tool_gap_, known_prefix_, input_;
};

}  // namespace halflife::tools
