#include "storage/tiers/ssd_block_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/block/block_header.h"
#include "common/killpoint.h"
#include "common/limits.h"
#include "common/status.h"
#include "storage/tiers/slot_flow.h"
#include "storage/tiers/ssd_inline_reads.h"

namespace halflife {
namespace {

// Of one batch: what keeps a device busy whose answers take 100 us (perf.md 7 measured 1.5 to 2
// times the rate of one at a time), and no more of the arena than is soon full of blocks.
constexpr size_t kReadDepth = 16;
constexpr uint64_t kReadDepthBytes = uint64_t{32} << 20;
// Tasks of one batch that ask RocksDB for inline blocks.
constexpr size_t kInlineTasks = 4;

absl::Status Stale() { return absl::NotFoundError("SSD tier: the location is stale"); }

absl::Status Late() {
  return absl::UnavailableError("SSD tier: the device did not answer in time");
}

}  // namespace

std::vector<absl::StatusOr<BlockRef>> SsdBlockReader::Read(absl::Span<const SsdRead> reads) {
  std::vector<SsdReadOutcome> outcomes;
  for (size_t i = 0; i < reads.size(); ++i) outcomes.push_back({Stale(), -1});
  context_.counters.queue_depth += reads.size();
  Sorted sorted = Sort(reads, absl::MakeSpan(outcomes));

  const absl::Duration began = context_.clock.Now();
  std::optional<SsdInlineReads> inlines;
  if (!sorted.in_database.empty()) {
    std::vector<SsdRead> wanted;
    for (const size_t i : sorted.in_database) wanted.push_back(reads[i]);
    inlines.emplace(std::move(wanted), [this](const SsdRead& read) { return ReadInline(read); });
    inlines->Start(executor_, kInlineTasks);
  }
  bool in_time = true;
  if (!sorted.in_slots.empty()) {
    in_time = ReadSlots(reads, std::move(sorted.in_slots), absl::MakeSpan(outcomes));
  }
  if (inlines.has_value()) {
    const absl::Duration left = began + context_.read_timeout - context_.clock.Now();
    std::vector<std::unique_ptr<SsdReadOutcome>> found = inlines->Collect(left);
    for (size_t k = 0; k < found.size(); ++k) {
      SsdReadOutcome& outcome = outcomes[sorted.in_database[k]];
      outcome = found[k] != nullptr ? std::move(*found[k]) : SsdReadOutcome{Late(), -1};
      in_time &= found[k] != nullptr;
    }
  }
  if (!in_time) SsdCounters::Add(context_.counters.timeouts);
  std::vector<absl::StatusOr<BlockRef>> results;
  for (size_t i = 0; i < reads.size(); ++i) {
    results.push_back(Settle(reads[i], std::move(outcomes[i])));
  }
  context_.counters.queue_depth -= reads.size();
  return results;
}

SsdBlockReader::Sorted SsdBlockReader::Sort(absl::Span<const SsdRead> reads,
                                            absl::Span<SsdReadOutcome> outcomes) {
  Sorted sorted;
  for (size_t i = 0; i < reads.size(); ++i) {
    const SsdLocation& location = reads[i].location;
    const SsdPartition* const partition = context_.PartitionAt(location);
    const bool possible = partition != nullptr &&
                          location.generation == partition->use().generation &&
                          location.bytes > 0 && location.bytes <= kMaxBlockBytes;
    if (!possible) continue;
    if (location.file == 0) {
      sorted.in_database.push_back(i);
      continue;
    }
    const SlotPlace place = SsdContext::PlaceOf(location);
    std::shared_ptr<const SlotFile> file =
        context_.slots.Find(place, SlotOwner::Of(reads[i].key, location));
    if (file == nullptr || file->slot_bytes() != SlotBytesFor(location.bytes)) continue;
    outcomes[i].block = Late();  // until it is there
    sorted.in_slots.push_back({i, place, std::move(file)});
  }
  return sorted;
}

bool SsdBlockReader::ReadSlots(absl::Span<const SsdRead> reads,
                               std::vector<SsdSlotReads::Item> items,
                               absl::Span<SsdReadOutcome> outcomes) {
  if (context_.DeviceIsStuck(engine_)) return true;  // refused, not late
  uint64_t bytes = 0;
  for (const SsdSlotReads::Item& item : items) bytes += item.file->slot_bytes();
  SsdSlotReads batch(context_, reads, std::move(items), outcomes);
  return RunTransfers(
      engine_, context_.clock,
      {.depth = kReadDepth,
       .depth_bytes = kReadDepthBytes,
       .timeout = context_.read_timeout + SsdContext::TransferTime(bytes)},
      {.next = [&batch] { return batch.Next(); },
       .done =
           [&batch](std::unique_ptr<SlotTransfer> transfer) { batch.Done(std::move(transfer)); }});
}

SsdReadOutcome SsdBlockReader::ReadInline(const SsdRead& read) {
  const int64_t began_ns = context_.clock.NowNanos();
  absl::StatusOr<BlockRef> block = InlineBlock(read);
  return {std::move(block), context_.clock.NowNanos() - began_ns};
}

absl::StatusOr<BlockRef> SsdBlockReader::InlineBlock(const SsdRead& read) {
  HL_ASSIGN_OR_RETURN(BlockBuffer buffer, context_.arena.Allocate(read.location.bytes));
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
                            VerifyBlock(read, value.subspan(0, kBlockHeaderBytes), buffer.bytes()));
        return absl::OkStatus();
      });
  // An entry without its payload is as good as a damaged one.
  if (absl::IsNotFound(status))
    return absl::DataLossError("SSD tier: the inline payload is missing");
  HL_RETURN_IF_ERROR(status);
  return std::move(buffer).Seal(header);
}

absl::StatusOr<BlockRef> SsdBlockReader::Settle(const SsdRead& read, SsdReadOutcome outcome) {
  SsdCounters& counters = context_.counters;
  if (outcome.block.ok()) {
    counters.read_ns.Record(static_cast<uint64_t>(outcome.took_ns));
    SsdCounters::Add(counters.reads_ok);
    SsdCounters::Add(counters.read_bytes, read.location.bytes);
    return std::move(outcome.block);
  }
  absl::Status status = outcome.block.status();
  if (absl::IsResourceExhausted(status)) return status;
  // What is erased or overwritten while it is read does not verify either: only a block that still
  // holds its place is damaged.
  if (absl::IsDataLoss(status) &&
      !eraser_.Condemn(*context_.PartitionAt(read.location), {read.key, read.location})) {
    status = Stale();
  }
  if (absl::IsNotFound(status)) {
    SsdCounters::Add(counters.reads_missing);
    return status;
  }
  if (outcome.took_ns >= 0) counters.read_ns.Record(static_cast<uint64_t>(outcome.took_ns));
  if (absl::IsDataLoss(status)) {
    SsdCounters::Add(counters.reads_corrupt);
    return status;
  }
  SsdCounters::Add(counters.reads_failed);
  return absl::UnavailableError(status.message());
}

}  // namespace halflife
