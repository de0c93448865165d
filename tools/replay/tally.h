#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "common/histogram.h"
#include "halflife/client.h"

namespace halflife::tools {

enum class Verb { kLookup, kGet, kPut };
inline constexpr size_t kVerbs = 3;
inline constexpr size_t kOutcomes = 6;  // client::Outcome

// What a replay counted. One per worker, added up at the end: no lock in the path. Not thread-safe.
struct Tally {
  struct Category {
    uint64_t requests = 0;
    uint64_t blocks = 0;           // looked up
    uint64_t dram_hit_blocks = 0;  // of the found prefix
    uint64_t ssd_hit_blocks = 0;
    uint64_t got_blocks = 0;  // delivered
  };
  struct Calls {
    std::array<uint64_t, kOutcomes> outcomes{};
    uint64_t bytes = 0;
    Histogram::Snapshot latency_ns;
  };
  static constexpr size_t kMaxNames = 64;  // categories and reasons; the rest is "(other)"

  std::map<std::string, Category> categories;
  std::map<std::string, uint64_t> miss_reasons;  // of lookups that did not find everything
  std::array<Calls, kVerbs> calls;
  uint64_t stored_blocks = 0, duplicate_blocks = 0, refused_blocks = 0;
  uint64_t verified_blocks = 0, wrong_blocks = 0, wrong_bytes = 0;
  uint64_t cut_blocks = 0;          // beyond kMaxChainBlocks: not replayed
  Histogram::Snapshot lateness_ns;  // open loop: start behind schedule

  void Add(const Tally& other);
  Category Total() const;
  uint64_t OutcomeCount(client::Outcome outcome) const;  // over all verbs
};

// "user/3-5": type and turn bucket (1, 2, 3-5, 6+, ? if unknown).
std::string CategoryName(const std::string& type, uint32_t turn);

// The entry of `name`, or of "(other)" when there are too many names.
template <typename Value>
Value& Named(std::map<std::string, Value>& map, const std::string& name) {
  if (map.size() >= Tally::kMaxNames && !map.contains(name)) return map["(other)"];
  return map[name];
}

}  // namespace halflife::tools
