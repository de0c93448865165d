#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace halflife {

// What is known of a request, as small numbers: per attribute a level, of which 0 is "not known".
// What a level means is AttributeSchema's.
inline constexpr int kMaxAttributes = 16;
inline constexpr int kMaxLevels = 64;  // per attribute, so that a set of levels is one word
using RequestLevels = std::array<uint8_t, kMaxAttributes>;

using LevelSet = uint64_t;
inline constexpr LevelSet kAllLevels = ~LevelSet{0};
constexpr LevelSet SetOf(int level) { return LevelSet{1} << level; }
constexpr bool Contains(LevelSet set, int level) { return (set >> level & 1) != 0; }

// Requests whose level of every attribute is in its set.
using LevelRule = std::array<LevelSet, kMaxAttributes>;
constexpr LevelRule AnyLevels() {
  LevelRule rule{};
  for (LevelSet& set : rule) set = kAllLevels;
  return rule;
}
constexpr bool Matches(const LevelRule& rule, const RequestLevels& levels) {
  for (int a = 0; a < kMaxAttributes; ++a) {
    if (!Contains(rule[a], levels[a])) return false;
  }
  return true;
}

// An attribute, for people and for the search of splits.
struct AttributeDescription {
  std::string name;
  bool is_ordered = false;  // levels rise with a number, and only neighbours belong together
  std::vector<std::string> levels;  // what each means; of an ordered one "5-8" or "9+"
};

}  // namespace halflife
