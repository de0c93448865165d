#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/block/attributes.h"
#include "common/mutex.h"

namespace halflife {

// Says which category a request belongs to: its app and whether it is the first turn of a session
// ("chat/1"), a later one ("chat/2+") or of unknown turn ("chat"); "unknown" without an app. New
// apps get numbers until kMaxCategories is reached; those that come later are "other". Names that
// every daemon numbers alike come first, so that a number that was written to SSD still means the
// same after a restart.
//
// Thread-safe; a look-up of a known app copies one pointer and allocates nothing.
class CategoryTable {
 public:
  CategoryTable();

  Category CategoryOf(const RequestAttributes& attributes);
  // A number read back from SSD: kUnknownCategory unless it means the same in every process.
  static Category Persisted(Category category);
  // By number.
  std::vector<std::string> Names() const;

 private:
  enum Turn { kAny = 0, kFirst, kLater, kTurns };
  struct Snapshot {
    absl::flat_hash_map<std::string, std::array<Category, kTurns>> apps;
    std::vector<std::string> names;
  };

  static void AddApp(const std::string& app, Snapshot* snapshot);
  static std::shared_ptr<const Snapshot> Initial();
  void Learn(const std::string& app);
  std::shared_ptr<const Snapshot> Current() const;

  mutable Mutex mutex_;
  std::shared_ptr<const Snapshot> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
