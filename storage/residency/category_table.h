#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/block/attributes.h"
#include "common/mutex.h"
#include "storage/residency/pinned_categories.h"

namespace halflife {

// Says which category a request belongs to: its app, the bucket of its turn {unknown, 1, 2, 3-4,
// 5-8, 9+} and the stop reason of the previous response, as far as the caller says them:
// "chat/3-4", "agent/9+/tool_use"; "unknown" of a request that says nothing. On the Mooncake
// conversation trace the share of blocks that are used again is .32, .38, .47, .61 and .85 in these
// buckets; on a coding-agent trace the stop reason gives 1 to 2 points of hit ratio where the cache
// is small.
//
// What an operator has pinned comes before that (PinnedCategories): "pin vip".
//
// Combinations get numbers when they are first seen, until kMaxCategories is reached; those that
// come later share the number of their app and turn, and if that has none, "other". Stop reasons
// leave room for kReservedForTurns apps and turns. Names that every daemon numbers alike come
// first, so that a number that was written to SSD still means the same after a restart.
//
// Thread-safe; a look-up of a known combination copies one pointer and allocates nothing.
class CategoryTable {
 public:
  static constexpr Category kReservedForTurns = 8;

  explicit CategoryTable(PinnedCategories pins = {});

  // Without a namespace, its tenant and LoRA are unknown to the pins.
  Category CategoryOf(const RequestAttributes& attributes, const NamespaceDescriptor* ns = nullptr);
  // A number read back from SSD: kUnknownCategory unless it means the same in every process.
  static Category Persisted(Category category);
  // By number.
  std::vector<std::string> Names() const;

 private:
  enum Turn { kAny = 0, kFirst, kSecond, kThirdAndFourth, kFifthToEighth, kLater, kTurns };
  using ByTurn = std::array<Category, kTurns>;  // kUnknownCategory = has no number
  struct App {
    ByTurn turns{};
    absl::flat_hash_map<std::string, ByTurn> by_stop_reason;
  };
  struct Snapshot {
    absl::flat_hash_map<std::string, App> apps;
    std::vector<std::string> names;
  };

  static Turn TurnOf(uint32_t turn);
  static Category Find(const Snapshot& snapshot, const RequestAttributes& attributes);
  static bool MayAdd(const Snapshot& snapshot, const RequestAttributes& attributes);
  static void Add(const std::string& app, Turn turn, const std::string& stop_reason,
                  Snapshot* snapshot);
  static std::shared_ptr<const Snapshot> Initial(const PinnedCategories& pins);
  Category CategoryOfCombination(const RequestAttributes& attributes);
  void Learn(const RequestAttributes& attributes);
  std::shared_ptr<const Snapshot> Current() const;

  const PinnedCategories pins_;
  mutable Mutex mutex_;
  std::shared_ptr<const Snapshot> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
