#pragma once

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "common/block/block_key.h"

namespace halflife {

// Tells which blocks have been without their parent for long enough to be given up. A Put may
// publish children before parents, so one look is not enough. Bounded. Not thread-safe.
class UnreachableSweep {
 public:
  static constexpr int64_t kGraceNs = int64_t{1000} * 1000 * 1000;
  static constexpr size_t kMaxSuspects = size_t{1} << 16;  // more have to wait for a later pass

  // Call for every block whose parent is in no tier, once per pass. True if that has been so for
  // kGraceNs.
  bool IsUnreachable(const BlockKey& key, int64_t now_ns) {
    auto it = suspects_.find(key);
    if (it == suspects_.end()) {
      if (suspects_.size() < kMaxSuspects) suspects_.emplace(key, Suspect{now_ns, pass_});
      return false;
    }
    it->second.pass = pass_;
    return now_ns - it->second.since_ns >= kGraceNs;
  }

  // The pass is over: whoever was not seen in it has a parent again, or is gone.
  void EndPass() {
    absl::erase_if(suspects_, [this](const auto& entry) { return entry.second.pass != pass_; });
    ++pass_;
  }

  bool any() const { return !suspects_.empty(); }

 private:
  struct Suspect {
    int64_t since_ns = 0;
    uint64_t pass = 0;
  };

  absl::flat_hash_map<BlockKey, Suspect, BlockKeyHash> suspects_;
  uint64_t pass_ = 0;
};

}  // namespace halflife
