#pragma once

#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "common/mutex.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Forgets blocks: first the index entry, committed, then the slot is free. Thread-safe; borrows the
// context.
class SsdBlockEraser {
 public:
  explicit SsdBlockEraser(SsdContext& context) : context_(context) {}

  // Unknown and stale locations are ignored. All of `erases` name this partition.
  void Erase(SsdPartition& partition, absl::Span<const SsdErase> erases);
  // Erases a block that did not verify. False if the location was stale: then it is only gone, not
  // damaged.
  bool Condemn(SsdPartition& partition, const SsdErase& erase);
  // Frees the former place of a block whose index entry names another place by now.
  void DropReplaced(const SsdPartition::Use& use, const SsdErase& former);
  // Everything under `ns`, by one range delete, and the namespace itself.
  void EraseNamespace(SsdPartition& partition, const NamespaceId& id, const Digest128& ns);
  // Tries again what a failing index did not take.
  void RetryDeferred(SsdPartition& partition);

 private:
  // The part of `erases` that nobody else erases and that is not stale; it is this caller's until
  // Finish or Defer.
  std::vector<SsdErase> Hold(const SsdPartition::Use& use, absl::Span<const SsdErase> erases);
  // Returns how many of them the index named, or could not tell.
  size_t EraseHeld(SsdPartition& partition, const SsdPartition::Use& use,
                   std::vector<SsdErase> held);
  // `counted`: the block was part of `use`'s contents.
  void Finish(const SsdPartition::Use& use, const SsdErase& erase, bool counted);

  SsdContext& context_;

  Mutex mutex_;
  // Inline blocks have no slot whose state would tell that somebody erases them.
  absl::flat_hash_set<BlockKey, BlockKeyHash> erasing_inline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
