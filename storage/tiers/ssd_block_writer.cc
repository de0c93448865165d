#include "storage/tiers/ssd_block_writer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/block/block_header.h"
#include "common/killpoint.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

absl::Status NotNow(const SsdPartition& partition) {
  return absl::UnavailableError(
      StrCat("SSD tier: partition ", partition.number(), " takes no writes now"));
}

}  // namespace

absl::StatusOr<SsdLocation> SsdBlockWriter::Write(const SsdWrite& write) {
  const int64_t began_ns = context_.clock.NowNanos();
  SsdPartition& partition = context_.PartitionOf(write.key);
  const SsdPartition::Use use = partition.use();
  absl::StatusOr<SsdLocation> location = NotNow(partition);
  const uint64_t payload_bytes = write.block.payload().size();
  if (use.writable) {
    const bool is_inline = payload_bytes <= context_.inline_payload_max_bytes;
    const absl::StatusOr<SsdIndexEntry> former = use.index->Get(write.key);
    SsdErase replaced{write.key, {}};
    if (former.ok()) {
      replaced.location = {former->file, former->slot, former->bytes,
                           static_cast<uint8_t>(partition.number()), use.generation};
      // The new entry will not overwrite a payload of the other kind.
      if (former->is_inline() != is_inline) eraser_.Erase(partition, {&replaced, 1});
    }
    location = is_inline ? WriteInline(partition, use, write) : WriteToSlot(partition, use, write);
    if (location.ok() && former.ok()) eraser_.DropReplaced(use, replaced);
  }
  return Count({payload_bytes, began_ns, use.writable}, std::move(location));
}

absl::StatusOr<SsdLocation> SsdBlockWriter::WriteCopy(const SsdWrite& write) {
  const int64_t began_ns = context_.clock.NowNanos();
  SsdPartition& partition = context_.PartitionOf(write.key);
  const SsdPartition::Use use = partition.use();
  absl::StatusOr<SsdLocation> location = NotNow(partition);
  if (use.writable) location = WriteToSlot(partition, use, write);
  return Count({write.block.payload().size(), began_ns, use.writable}, std::move(location));
}

absl::StatusOr<SsdLocation> SsdBlockWriter::Count(const Attempt& attempt,
                                                  absl::StatusOr<SsdLocation> location) {
  SsdCounters& counters = context_.counters;
  const auto took_ns = static_cast<uint64_t>(context_.clock.NowNanos() - attempt.began_ns);
  if (location.ok()) {
    counters.write_ns.Record(took_ns);
    SsdCounters::Add(counters.writes_ok);
    SsdCounters::Add(counters.written_bytes, attempt.payload_bytes);
    return location;
  }
  const absl::Status& status = location.status();
  const bool refused =
      !attempt.writable || absl::IsResourceExhausted(status) || absl::IsAborted(status);
  SsdCounters::Add(refused ? counters.writes_refused : counters.writes_failed);
  if (!refused) counters.write_ns.Record(took_ns);
  if (absl::IsResourceExhausted(status)) return status;
  return absl::UnavailableError(status.message());
}

absl::StatusOr<SsdLocation> SsdBlockWriter::WriteToSlot(SsdPartition& partition,
                                                        const SsdPartition::Use& use,
                                                        const SsdWrite& write) {
  const absl::Span<const uint8_t> payload = write.block.payload();
  const auto number = static_cast<uint8_t>(partition.number());
  SsdLocation location{0, 0, static_cast<uint32_t>(payload.size()), number, use.generation};
  const SlotOwner owner = SlotOwner::Of(write.key, location);
  absl::StatusOr<SlotSpace::Taken> taken = context_.slots.Take(owner);
  if (!taken.ok()) {
    if (!absl::IsResourceExhausted(taken.status())) partition.NoteWriteFailure(taken.status());
    return taken.status();
  }
  const SlotPlace place = taken->place;
  location.file = place.file;
  location.slot = place.slot;

  HeaderPage page;
  EncodeBlockHeader(write.block.header(), absl::MakeSpan(page.bytes).subspan(0, kBlockHeaderBytes));
  HL_KILLPOINT("ssd.write.before_payload");
  // The arena's slot is padded to 4 KiB, so the last page is all there.
  const absl::Span<const uint8_t> padded(payload.data(), RoundUpToPage(payload.size()));
  if (absl::Status status = taken->file->Write(place.slot, page, padded); !status.ok()) {
    context_.slots.Spoil(place);
    partition.NoteWriteFailure(status);
    return status;
  }
  HL_KILLPOINT("ssd.write.after_payload");
  if (absl::Status status = PutEntry(partition, use, write, location, nullptr); !status.ok()) {
    context_.slots.Free(place);
    return status;
  }
  use.contents->blocks += 1;
  use.contents->block_bytes += location.bytes;
  if (!context_.slots.Commit(place, owner)) return NotNow(partition);
  return location;
}

absl::StatusOr<SsdLocation> SsdBlockWriter::WriteInline(SsdPartition& partition,
                                                        const SsdPartition::Use& use,
                                                        const SsdWrite& write) {
  const absl::Span<const uint8_t> payload = write.block.payload();
  const auto charge = static_cast<int64_t>(InlineSpace::ChargeFor(payload.size()));
  use.contents->inline_charge_bytes += charge;
  absl::Status status = CoverInline(payload.size());
  const SsdLocation location{0, use.contents->inline_blocks.Add(write.key),
                             static_cast<uint32_t>(payload.size()),
                             static_cast<uint8_t>(partition.number()), use.generation};
  if (status.ok()) {
    std::string value(kBlockHeaderBytes + payload.size(), '\0');
    auto* bytes = reinterpret_cast<uint8_t*>(value.data());
    EncodeBlockHeader(write.block.header(), {bytes, kBlockHeaderBytes});
    std::copy(payload.begin(), payload.end(), bytes + kBlockHeaderBytes);
    status = PutEntry(partition, use, write, location, &value);
  }
  if (!status.ok()) {
    use.contents->inline_blocks.Remove(write.key, location.slot);
    use.contents->inline_charge_bytes -= charge;
    return status;
  }
  use.contents->blocks += 1;
  use.contents->block_bytes += location.bytes;
  return location;
}

absl::Status SsdBlockWriter::CoverInline(uint64_t payload_bytes) {
  bool granted = context_.inline_space.Cover(context_.InlineUse());
  while (!granted && context_.slots.DropEmptyFile(0)) {
    granted = context_.inline_space.Cover(context_.InlineUse());
  }
  context_.slots.NoteInline(granted);
  if (granted) return absl::OkStatus();
  const uint64_t free_bytes = context_.quota.free_bytes();
  const uint64_t room_bytes = free_bytes + context_.inline_space.UnusedBytes(context_.InlineUse());
  const std::string what =
      StrCat("SSD tier: no room for an inline block of ", payload_bytes, " bytes, ", free_bytes,
             " of ", context_.quota.limit_bytes(), " free");
  if (room_bytes < InlineSpace::ChargeFor(payload_bytes)) return absl::ResourceExhaustedError(what);
  context_.compaction_wanted.store(true, std::memory_order_relaxed);
  return absl::AbortedError(StrCat(what, " before erased blocks are compacted"));
}

absl::Status SsdBlockWriter::PutEntry(SsdPartition& partition, const SsdPartition::Use& use,
                                      const SsdWrite& write, const SsdLocation& location,
                                      const std::string* inline_value) {
  const SsdIndexEntry entry{location.file, location.slot, location.bytes,
                            write.block.header().identity, write.state};
  HL_KILLPOINT("ssd.write.before_index");
  absl::Status status = use.index->Put(write.key, entry, inline_value);
  HL_KILLPOINT("ssd.write.after_index");
  if (status.ok()) return status;
  partition.NoteWriteFailure(status);
  // kResourceExhausted means the quota here; a full disk or cache under RocksDB is "not now".
  return absl::IsAborted(status) ? status : absl::UnavailableError(status.message());
}

}  // namespace halflife
