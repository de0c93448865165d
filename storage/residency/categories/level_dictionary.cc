#include "storage/residency/categories/level_dictionary.h"

#include "common/strings.h"

namespace halflife {

LevelDictionary::LevelDictionary(uint32_t admit_after)
    : admit_after_(admit_after), names_(kMaxLevels) {
  names_.front() = "unknown";
  names_[kOther] = "other";
}

int LevelDictionary::LevelOf(std::string_view value) {
  if (value.empty()) return 0;
  const auto known = levels_.find(ToAbsl(value));
  if (known != levels_.end()) return known->second;
  if (next_ == kOther) return kOther;
  if (admit_after_ > 1) {
    if (candidates_.size() == kMaxCandidates) candidates_.clear();
    if (++candidates_[std::string(value)] < admit_after_) return kOther;
  }
  return Admit(value);
}

int LevelDictionary::Admit(std::string_view value) {
  const auto known = levels_.find(ToAbsl(value));
  if (known != levels_.end()) return known->second;
  if (next_ == kOther) return kOther;
  candidates_.erase(ToAbsl(value));
  names_[next_] = std::string(value);
  levels_.emplace(std::string(value), next_);
  return next_++;
}

}  // namespace halflife
