#include "storage/tiers/ssd_block_reader.h"

#include <algorithm>

#include "common/block/block_header.h"
#include "common/killpoint.h"
#include "common/limits.h"
#include "common/status.h"

namespace halflife {
namespace {

absl::Status Stale() { return absl::NotFoundError("SSD tier: the location is stale"); }

// The header, if it and the payload are what the reader wants.
absl::StatusOr<BlockHeader> Verify(const SsdRead& read, absl::Span<const uint8_t> header_bytes,
                                   absl::Span<const uint8_t> payload) {
  HL_ASSIGN_OR_RETURN(const BlockHeader header, DecodeBlockHeader(header_bytes));
  if (header.identity != read.identity)
    return absl::DataLossError("SSD tier: another block's header");
  if (header.payload_bytes != payload.size())
    return absl::DataLossError("SSD tier: another length");
  if (PayloadChecksum(read.identity, payload) != header.checksum) {
    return absl::DataLossError("SSD tier: payload checksum");
  }
  return header;
}

}  // namespace

absl::StatusOr<BlockRef> SsdBlockReader::Read(const SsdRead& read) {
  SsdCounters& counters = context_.counters;
  const int64_t began_ns = context_.clock.NowNanos();
  SsdPartition* const partition = context_.PartitionAt(read.location);
  const uint64_t payload_bytes = read.location.bytes;
  absl::StatusOr<BlockRef> block = Stale();
  if (partition != nullptr && read.location.generation == partition->use().generation &&
      payload_bytes > 0 && payload_bytes <= kMaxBlockBytes) {
    absl::StatusOr<BlockBuffer> buffer = context_.arena.Allocate(payload_bytes);
    if (!buffer.ok()) return buffer.status();
    block = read.location.file == 0 ? ReadInline(read, *std::move(buffer))
                                    : ReadSlot(read, *std::move(buffer));
  }
  const auto took_ns = static_cast<uint64_t>(context_.clock.NowNanos() - began_ns);
  if (block.ok()) {
    counters.read_ns.Record(took_ns);
    SsdCounters::Add(counters.reads_ok);
    SsdCounters::Add(counters.read_bytes, payload_bytes);
    return block;
  }
  absl::Status status = block.status();
  // What is erased or overwritten while it is read does not verify either: only a block that still
  // holds its place is damaged.
  if (absl::IsDataLoss(status) && !eraser_.Condemn(*partition, {read.key, read.location}))
    status = Stale();
  if (absl::IsDataLoss(status)) {
    SsdCounters::Add(counters.reads_corrupt);
  } else if (absl::IsNotFound(status)) {
    SsdCounters::Add(counters.reads_missing);
  } else {
    SsdCounters::Add(counters.reads_failed);
    if (!absl::IsResourceExhausted(status)) status = absl::UnavailableError(status.message());
  }
  if (!absl::IsNotFound(status)) counters.read_ns.Record(took_ns);
  return status;
}

absl::StatusOr<BlockRef> SsdBlockReader::ReadSlot(const SsdRead& read, BlockBuffer buffer) {
  const SlotPlace place = SsdContext::PlaceOf(read.location);
  const std::shared_ptr<const SlotFile> file =
      context_.slots.Find(place, SlotOwner::Of(read.key, read.location));
  if (file == nullptr || file->slot_bytes() != SlotBytesFor(read.location.bytes)) return Stale();
  HeaderPage page;
  const absl::Span<uint8_t> padded =
      buffer.padded_bytes().subspan(0, RoundUpToPage(read.location.bytes));
  HL_RETURN_IF_ERROR(file->Read(place.slot, page, padded));
  HL_KILLPOINT("ssd.read.after_io");
  const absl::Span<const uint8_t> header_bytes =
      absl::MakeConstSpan(page.bytes).subspan(0, kBlockHeaderBytes);
  HL_ASSIGN_OR_RETURN(const BlockHeader header, Verify(read, header_bytes, buffer.bytes()));
  return std::move(buffer).Seal(header);
}

absl::StatusOr<BlockRef> SsdBlockReader::ReadInline(const SsdRead& read, BlockBuffer buffer) {
  const SsdPartition::Use use = context_.PartitionAt(read.location)->use();
  if (use.index == nullptr)
    return absl::UnavailableError("SSD tier: the partition is being reopened");
  const absl::StatusOr<SsdIndexEntry> entry = use.index->Get(read.key);
  if (entry.ok() && !entry->IsAt(read.location)) return Stale();
  if (!entry.ok() && !absl::IsDataLoss(entry.status())) return entry.status();
  BlockHeader header;
  const absl::Status status =
      use.index->GetInline(read.key, [&](absl::Span<const uint8_t> value) -> absl::Status {
        HL_KILLPOINT("ssd.read.after_io");
        if (value.size() != kBlockHeaderBytes + buffer.bytes().size()) {
          return absl::DataLossError("SSD tier: another length");
        }
        // Verified where it will stay: the copy is checked, not what it was copied from.
        const absl::Span<const uint8_t> payload = value.subspan(kBlockHeaderBytes);
        std::copy(payload.begin(), payload.end(), buffer.bytes().begin());
        HL_ASSIGN_OR_RETURN(header,
                            Verify(read, value.subspan(0, kBlockHeaderBytes), buffer.bytes()));
        return absl::OkStatus();
      });
  // An entry without its payload is as good as a damaged one.
  if (absl::IsNotFound(status))
    return absl::DataLossError("SSD tier: the inline payload is missing");
  HL_RETURN_IF_ERROR(status);
  return std::move(buffer).Seal(header);
}

}  // namespace halflife
