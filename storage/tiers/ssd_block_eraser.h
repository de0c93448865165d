#pragma once

#include <vector>

#include "absl/types/span.h"
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
  // What a start could not tell of, and would find at the next one.
  void Forget(SsdPartition& partition, absl::Span<const BlockKey> keys);
  // Tries again a bounded part of what a failing index did not take. True if more is ready.
  bool RetryDeferred(SsdPartition& partition);

 private:
  static constexpr size_t kBatchBlocks = 1024;  // of one write to the index
  static constexpr size_t kRetryBlocks = 4096;  // per RetryDeferred

  // One that nobody else erases and that is not stale; its holder's until Finish or Defer.
  struct Held {
    SsdErase erase;
    // The index may name another place for the block, or nothing: then its entry stays. Asking
    // costs more than erasing, so it is not done where the slot table knows better.
    bool ask_index = true;
  };
  std::vector<Held> Hold(const SsdPartition::Use& use, absl::Span<const SsdErase> erases);
  // Returns how many of them the index named, or could not tell.
  size_t EraseHeld(SsdPartition& partition, const SsdPartition::Use& use,
                   absl::Span<const Held> held);
  // Returns: as SsdIndex::Erase; `named` grows by how many the index named.
  absl::Status EraseBatch(const SsdPartition::Use& use, absl::Span<const Held> held, size_t& named);
  static std::vector<SsdErase> Released(absl::Span<const Held> held);
  void Finish(const SsdPartition::Use& use, const SsdErase& erase);

  SsdContext& context_;
};

}  // namespace halflife
