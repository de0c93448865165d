#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "storage/residency/categories/request_levels.h"

namespace halflife {

// Numbers the values of a categorical attribute: 0 is "unknown" (an empty value), the last level
// "other". A value gets a level of its own when it has come `admit_after` times, while there are
// levels left. Bounded: kMaxLevels values, and counts of kMaxCandidates more, which are forgotten
// when they are full. Not thread-safe.
class LevelDictionary {
 public:
  static constexpr int kOther = kMaxLevels - 1;
  static constexpr size_t kMaxCandidates = 4096;

  explicit LevelDictionary(uint32_t admit_after = 1);

  int LevelOf(std::string_view value);
  // Gives the value a level at once; kOther if there is none left.
  int Admit(std::string_view value);
  // By level; levels that nothing has are empty.
  const std::vector<std::string>& names() const { return names_; }

 private:
  const uint32_t admit_after_;
  int next_ = 1;
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, int> levels_;
  absl::flat_hash_map<std::string, uint32_t> candidates_;
};

}  // namespace halflife
