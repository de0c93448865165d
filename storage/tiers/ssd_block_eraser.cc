#include "storage/tiers/ssd_block_eraser.h"

#include <utility>

#include "common/killpoint.h"

namespace halflife {

void SsdBlockEraser::Erase(SsdPartition& partition, absl::Span<const SsdErase> erases) {
  const SsdPartition::Use use = partition.use();
  EraseHeld(partition, use, Hold(use, erases));
}

bool SsdBlockEraser::Condemn(SsdPartition& partition, const SsdErase& erase) {
  const SsdPartition::Use use = partition.use();
  return EraseHeld(partition, use, Hold(use, {&erase, 1})) > 0;
}

std::vector<SsdErase> SsdBlockEraser::Hold(const SsdPartition::Use& use,
                                           absl::Span<const SsdErase> erases) {
  std::vector<SsdErase> held;
  for (const SsdErase& erase : erases) {
    if (erase.location.generation != use.generation) continue;
    if (erase.location.file != 0) {
      const SlotOwner owner = SlotOwner::Of(erase.key, erase.location);
      if (context_.slots.BeginErase(SsdContext::PlaceOf(erase.location), owner))
        held.push_back(erase);
    } else {
      MutexLock lock(mutex_);
      if (erasing_inline_.insert(erase.key).second) held.push_back(erase);
    }
  }
  return held;
}

size_t SsdBlockEraser::EraseHeld(SsdPartition& partition, const SsdPartition::Use& use,
                                 std::vector<SsdErase> held) {
  if (held.empty()) return 0;
  const size_t held_count = held.size();
  if (!use.writable || use.index == nullptr) {
    partition.Defer(std::move(held));
    return held_count;
  }

  std::vector<BlockKey> keys;
  std::vector<bool> counted;
  for (const SsdErase& erase : held) {
    const absl::StatusOr<SsdIndexEntry> entry = use.index->Get(erase.key);
    // An entry that names another place belongs to a newer copy of the block; one that cannot be
    // read goes.
    const bool named = entry.ok() ? entry->IsAt(erase.location) : !absl::IsNotFound(entry.status());
    if (named) keys.push_back(erase.key);
    counted.push_back(named || erase.location.file != 0);
  }
  HL_KILLPOINT("ssd.erase.before_index");
  if (!keys.empty()) {
    if (const absl::Status status = use.index->Erase(keys); !status.ok()) {
      partition.NoteWriteFailure(status);
      partition.Defer(std::move(held));
      return held_count;
    }
  }
  HL_KILLPOINT("ssd.erase.after_index");
  for (size_t i = 0; i < held.size(); ++i) Finish(use, held[i], counted[i]);
  return keys.size();
}

void SsdBlockEraser::Finish(const SsdPartition::Use& use, const SsdErase& erase, bool counted) {
  const SsdLocation& location = erase.location;
  if (counted) {
    use.contents->blocks -= 1;
    use.contents->block_bytes -= location.bytes;
    if (location.file == 0) {
      use.contents->inline_charge_bytes -=
          static_cast<int64_t>(InlineSpace::ChargeFor(location.bytes));
    }
  }
  if (location.file != 0) {
    context_.slots.Free(SsdContext::PlaceOf(location));
  } else {
    MutexLock lock(mutex_);
    erasing_inline_.erase(erase.key);
  }
}

void SsdBlockEraser::DropReplaced(const SsdPartition::Use& use, const SsdErase& former) {
  for (const SsdErase& erase : Hold(use, {&former, 1})) Finish(use, erase, true);
}

void SsdBlockEraser::EraseNamespace(SsdPartition& partition, const NamespaceId& id,
                                    const Digest128& ns) {
  const SsdPartition::Use use = partition.use();
  if (use.index == nullptr) return;
  std::vector<SsdErase> all;
  const absl::Status walked = use.index->ForEachOf(
      ns, [&](const BlockKey& key, const absl::StatusOr<SsdIndexEntry>& entry) {
        if (!entry.ok()) return;
        all.push_back({key,
                       {entry->file, entry->slot, entry->bytes,
                        static_cast<uint8_t>(partition.number()), use.generation}});
      });
  std::vector<SsdErase> held = Hold(use, all);
  absl::Status status = walked;
  if (use.writable && status.ok()) status = use.index->DeleteNamespace(id, ns);
  if (!use.writable || !status.ok()) {
    // One by one then; the descriptor itself stays until it is deleted again, which costs a few
    // bytes and no block.
    if (!status.ok()) partition.NoteWriteFailure(status);
    return partition.Defer(std::move(held));
  }
  for (const SsdErase& erase : held) Finish(use, erase, true);
}

void SsdBlockEraser::RetryDeferred(SsdPartition& partition) {
  const SsdPartition::Use use = partition.use();
  std::vector<SsdErase> again;
  for (const SsdErase& erase : partition.TakeDeferred()) {
    if (erase.location.generation == use.generation) {
      again.push_back(erase);
    } else {
      Finish(use, erase, false);  // its index is gone with the generation
    }
  }
  EraseHeld(partition, use, std::move(again));
}

}  // namespace halflife
