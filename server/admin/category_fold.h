#pragma once

#include <string>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "storage/store_stats.h"

namespace halflife {

// Bounds the series of a metrics page: the first kOwn categories that anything happens in have
// series of their own for good, all others are summed up as "other". What is in "other" once stays
// there, so that no counter ever goes back. Thread-safe.
class CategoryFold {
 public:
  static constexpr size_t kOwn = 16;

  void Fold(StoreStats* store);
  // Whether a category has series of its own.
  bool IsOwn(const std::string& category) const;

 private:
  void Choose(const StoreStats& store);

  mutable Mutex mutex_;
  absl::flat_hash_set<std::string> own_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> folded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
