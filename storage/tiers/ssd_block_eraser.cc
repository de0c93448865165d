#include "storage/tiers/ssd_block_eraser.h"

#include <utility>

#include "common/killpoint.h"
#include "common/status.h"

namespace halflife {

void SsdBlockEraser::Erase(SsdPartition& partition, absl::Span<const SsdErase> erases) {
  const SsdPartition::Use use = partition.use();
  EraseHeld(partition, use, Hold(use, erases));
}

bool SsdBlockEraser::Condemn(SsdPartition& partition, const SsdErase& erase) {
  const SsdPartition::Use use = partition.use();
  return EraseHeld(partition, use, Hold(use, {&erase, 1})) > 0;
}

std::vector<SsdBlockEraser::Held> SsdBlockEraser::Hold(const SsdPartition::Use& use,
                                                       absl::Span<const SsdErase> erases) {
  std::vector<Held> held;
  for (const SsdErase& erase : erases) {
    const SsdLocation& location = erase.location;
    if (location.generation != use.generation) continue;
    if (location.file == 0) {
      if (use.contents->inline_blocks.Remove(erase.key, location.slot)) held.push_back({erase});
      continue;
    }
    const SlotTable::Erasing erasing = context_.slots.BeginErase(
        SsdContext::PlaceOf(location), SlotOwner::Of(erase.key, location));
    if (erasing == SlotTable::Erasing::kNotHeld) continue;
    held.push_back({erase, /*ask_index=*/erasing == SlotTable::Erasing::kCopied});
  }
  return held;
}

std::vector<SsdErase> SsdBlockEraser::Released(absl::Span<const Held> held) {
  std::vector<SsdErase> erases;
  for (const Held& one : held) erases.push_back(one.erase);
  return erases;
}

size_t SsdBlockEraser::EraseHeld(SsdPartition& partition, const SsdPartition::Use& use,
                                 absl::Span<const Held> held) {
  size_t named = 0;
  while (!held.empty()) {
    const absl::Span<const Held> batch = held.subspan(0, kBatchBlocks);
    const bool possible = use.writable && use.index != nullptr;
    const absl::Status status =
        possible ? EraseBatch(use, batch, named) : absl::AbortedError("not writable");
    if (!status.ok()) {
      partition.NoteWriteFailure(status);
      partition.Defer(Released(held));
      return named + held.size();
    }
    held.remove_prefix(batch.size());
  }
  return named;
}

absl::Status SsdBlockEraser::EraseBatch(const SsdPartition::Use& use, absl::Span<const Held> held,
                                        size_t& named) {
  const int64_t began_ns = context_.clock.NowNanos();
  std::vector<BlockKey> keys, inline_keys;
  for (const auto& [erase, ask_index] : held) {
    if (!ask_index) {
      keys.push_back(erase.key);
      continue;
    }
    const absl::StatusOr<SsdIndexEntry> entry = use.index->Get(erase.key);
    // An entry that names another place belongs to a newer copy of the block; one that cannot be
    // read goes.
    const bool is_named =
        entry.ok() ? entry->IsAt(erase.location) : !absl::IsNotFound(entry.status());
    if (!is_named) continue;
    keys.push_back(erase.key);
    if (!entry.ok() || entry->is_inline()) inline_keys.push_back(erase.key);
  }
  HL_KILLPOINT("ssd.erase.before_index");
  if (!keys.empty()) HL_RETURN_IF_ERROR(use.index->Erase(keys, inline_keys));
  HL_KILLPOINT("ssd.erase.after_index");
  for (const Held& one : held) Finish(use, one.erase);
  named += keys.size();
  context_.counters.erase_ns.Record(static_cast<uint64_t>(context_.clock.NowNanos() - began_ns));
  return absl::OkStatus();
}

void SsdBlockEraser::Finish(const SsdPartition::Use& use, const SsdErase& erase) {
  const SsdLocation& location = erase.location;
  // What an older generation held is not counted any more.
  if (location.generation == use.generation) {
    use.contents->blocks -= 1;
    use.contents->block_bytes -= location.bytes;
    if (location.file == 0) {
      use.contents->inline_charge_bytes -=
          static_cast<int64_t>(InlineSpace::ChargeFor(location.bytes));
    }
  }
  if (location.file != 0) context_.slots.Free(SsdContext::PlaceOf(location));
}

void SsdBlockEraser::DropReplaced(const SsdPartition::Use& use, const SsdErase& former) {
  for (const Held& one : Hold(use, {&former, 1})) Finish(use, one.erase);
}

void SsdBlockEraser::EraseNamespace(SsdPartition& partition, const NamespaceId& id,
                                    const Digest128& ns) {
  const SsdPartition::Use use = partition.use();
  if (use.index == nullptr) return partition.KeepNoneUnread();
  std::vector<SsdErase> all;
  const absl::Status walked = use.index->ForEachOf(
      ns, [&](const BlockKey& key, const absl::StatusOr<SsdIndexEntry>& entry) {
        if (!entry.ok()) return;
        all.push_back({key,
                       {entry->file, entry->slot, entry->bytes,
                        static_cast<uint8_t>(partition.number()), use.generation}});
      });
  const std::vector<Held> held = Hold(use, all);
  absl::Status status = walked;
  if (use.writable && status.ok()) status = use.index->DeleteNamespace(id, ns);
  if (!use.writable || !status.ok()) {
    // One by one then; the descriptor itself stays until it is deleted again, which costs a few
    // bytes and no block.
    if (!status.ok()) partition.NoteWriteFailure(status);
    partition.KeepNoneUnread();
    return partition.Defer(Released(held));
  }
  for (const Held& one : held) Finish(use, one.erase);
}

void SsdBlockEraser::Forget(SsdPartition& partition, absl::Span<const BlockKey> keys) {
  const SsdPartition::Use use = partition.use();
  if (!use.writable || use.index == nullptr) return partition.KeepNoneUnread();
  std::vector<BlockKey> unread;
  for (const BlockKey& key : keys) {
    const absl::StatusOr<SsdIndexEntry> entry = use.index->Get(key);
    if (entry.ok() && partition.KeepsUnread(key, *entry)) unread.push_back(key);
  }
  if (unread.empty()) return;
  const absl::Status status = use.index->Erase(unread, {});
  if (status.ok()) return;
  partition.NoteWriteFailure(status);
  partition.KeepNoneUnread();
}

bool SsdBlockEraser::RetryDeferred(SsdPartition& partition) {
  const size_t waiting = partition.deferred_count();
  if (waiting == 0) return false;
  const SsdPartition::Use use = partition.use();
  std::vector<Held> again;  // perhaps written anew meanwhile
  for (const SsdErase& erase : partition.TakeDeferred(kRetryBlocks)) {
    if (erase.location.generation == use.generation) {
      again.push_back({erase});
    } else {
      Finish(use, erase);  // its index is gone with the generation
    }
  }
  EraseHeld(partition, use, again);
  const size_t left = partition.deferred_count();
  return left > 0 && left < waiting;
}

}  // namespace halflife
