#include "storage/tiers/ssd_write_batch.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/block/block_header.h"
#include "common/clock.h"
#include "common/killpoint.h"
#include "common/status.h"
#include "common/strings.h"
#include "storage/tiers/slot_flow.h"

namespace halflife {
namespace {

// On the device at a time: it is at its best with 8, and further ones only make reads wait
// (perf.md 7).
constexpr size_t kWriteDepth = 8;
constexpr uint64_t kWriteDepthBytes = uint64_t{32} << 20;
// Placed together, so that neighbours among them are found. Few enough that the device, which has
// kWriteDepth others, does not wait for it.
constexpr uint64_t kPlacedBytes = uint64_t{8} << 20;
// Of one write to an index: a small part of the smallest write buffer (RocksSizes).
constexpr size_t kCommitEntries = 128;
constexpr uint64_t kCommitBytes = 64 << 10;

BlockHeader HeaderOf(const BlockRef& block) {
  BlockHeader header = block.header();
  header.written_s = static_cast<uint64_t>(WallClockSeconds());
  return header;
}

absl::Status NotNow(const SsdPartition& partition) {
  return absl::UnavailableError(
      StrCat("SSD tier: partition ", partition.number(), " takes no writes now"));
}

}  // namespace

SsdWriteBatch::SsdWriteBatch(SsdContext& context, SsdBlockEraser& eraser,
                             absl::Span<const SsdWrite> writes, bool keep_former)
    : context_(context),
      eraser_(eraser),
      writes_(writes),
      keep_former_(keep_former),
      items_(writes.size()),
      results_(writes.size(), absl::UnknownError("")),
      partitions_(context.partitions.size()) {}

std::vector<absl::StatusOr<SsdLocation>> SsdWriteBatch::Run(SlotEngine& engine) && {
  const int64_t now_ns = context_.clock.NowNanos();
  for (Item& item : items_) item.began_ns = now_ns;
  PlaceSome();
  if (!in_slots_.empty()) WriteSlots(engine);
  for (const std::unique_ptr<SsdPartition>& partition : context_.partitions) Commit(*partition);
  return std::move(results_);
}

// --- Place

const SsdPartition::Use& SsdWriteBatch::UseOf(SsdPartition& partition) {
  std::optional<SsdPartition::Use>& use = StateOf(partition).use;
  if (!use.has_value()) use = partition.use();
  return *use;
}

void SsdWriteBatch::PlaceSome() {
  for (uint64_t bytes = 0; placed_ < writes_.size() && bytes < kPlacedBytes;) {
    const size_t in_slots = in_slots_.size();
    const size_t i = placed_++;
    Place(i);
    if (in_slots_.size() > in_slots) bytes += items_[i].file->slot_bytes();
  }
  std::sort(in_slots_.begin() + static_cast<ptrdiff_t>(next_), in_slots_.end(),
            [this](size_t a, size_t b) {
              const SsdLocation &x = items_[a].location, &y = items_[b].location;
              return std::tie(x.file, x.slot) < std::tie(y.file, y.slot);
            });
}

void SsdWriteBatch::Place(size_t i) {
  const SsdWrite& write = writes_[i];
  Item& item = items_[i];
  const uint64_t payload_bytes = write.block.payload().size();
  item.is_inline = payload_bytes <= context_.inline_payload_max_bytes && !keep_former_;

  SsdPartition& partition = PartitionOf(i);
  const SsdPartition::Use& use = UseOf(partition);
  if (!use.writable) return Settle(i, NotNow(partition));
  const auto number = static_cast<uint8_t>(partition.number());
  item.location = {0, 0, static_cast<uint32_t>(payload_bytes), number, use.generation};
  if (!keep_former_) {
    const absl::StatusOr<SsdIndexEntry> former = use.index->Get(write.key);
    if (former.ok()) {
      item.replaced =
          SsdErase{write.key, {former->file, former->slot, former->bytes, number, use.generation}};
      context_.NoteCopy(*item.replaced);
      // The new entry will not overwrite a payload of the other kind.
      if (former->is_inline() != item.is_inline) eraser_.Erase(partition, {&*item.replaced, 1});
    }
  }
  item.is_inline ? PlaceInline(i, use) : PlaceInSlot(i);
}

void SsdWriteBatch::PlaceInline(size_t i, const SsdPartition::Use& use) {
  SsdLocation& location = items_[i].location;
  use.contents->inline_charge_bytes += static_cast<int64_t>(InlineSpace::ChargeFor(location.bytes));
  const absl::Status status = CoverInline(location.bytes);
  location.slot = use.contents->inline_blocks.Add(writes_[i].key);
  if (!status.ok()) return Uncommitted(i, use, status);
  Ready(i);
}

absl::Status SsdWriteBatch::CoverInline(uint64_t payload_bytes) {
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

void SsdWriteBatch::PlaceInSlot(size_t i) {
  Item& item = items_[i];
  absl::StatusOr<SlotSpace::Taken> taken =
      context_.slots.Take(SlotOwner::Of(writes_[i].key, item.location));
  if (!taken.ok()) {
    if (!absl::IsResourceExhausted(taken.status())) {
      PartitionOf(i).NoteWriteFailure(taken.status());
    }
    return Settle(i, taken.status());
  }
  item.location.file = taken->place.file;
  item.location.slot = taken->place.slot;
  item.file = std::move(taken->file);
  in_slots_.push_back(i);
}

// --- Payload

void SsdWriteBatch::WriteSlots(SlotEngine& engine) {
  uint64_t bytes = 0;
  for (const SsdWrite& write : writes_) bytes += SlotBytesFor(write.block.payload().size());
  const bool stuck = SsdContext::DeviceIsStuck(engine);
  const bool ended =
      !stuck && RunTransfers(engine, context_.clock,
                             {.depth = kWriteDepth,
                              .depth_bytes = kWriteDepthBytes,
                              .timeout = context_.write_timeout + SsdContext::TransferTime(bytes)},
                             {.next = [this] { return NextTransfer(); },
                              .done =
                                  [this](std::unique_ptr<SlotTransfer> transfer) {
                                    TransferDone(std::move(transfer));
                                  }});
  if (ended) return;
  SsdCounters::Add(context_.counters.timeouts, stuck ? 0 : 1);
  const absl::Status late =
      stuck ? absl::AbortedError("SSD tier: the device does not answer")
            : absl::UnavailableError("SSD tier: the device did not answer in time");
  for (const size_t i : in_slots_) {
    const bool is_ready = items_[i].file == nullptr;
    if (!items_[i].settled && !is_ready) GiveUpSlot(i, late);
  }
  for (; placed_ < writes_.size(); ++placed_) {
    UseOf(PartitionOf(placed_));
    Settle(placed_, late);
  }
}

std::unique_ptr<SlotTransfer> SsdWriteBatch::NextTransfer() {
  std::unique_ptr<SlotTransfer> transfer;
  if (!alone_.empty()) {
    transfer = std::move(alone_.front());
    alone_.pop_front();
    return transfer;
  }
  if (next_ == in_slots_.size()) PlaceSome();
  for (; next_ < in_slots_.size(); ++next_) {
    const size_t i = in_slots_[next_];
    Item& item = items_[i];
    if (transfer == nullptr) {
      transfer =
          std::make_unique<SlotTransfer>(SlotTransfer::Kind::kWrite, item.file, item.location.slot);
    } else if (item.file != transfer->file() || item.location.slot != transfer->end_slot() ||
               transfer->total_bytes() + item.file->slot_bytes() > kMergedBytes) {
      break;
    }
    auto page = std::make_unique<HeaderPage>();
    EncodeBlockHeader(HeaderOf(writes_[i].block),
                      absl::MakeSpan(page->bytes).subspan(0, kBlockHeaderBytes));
    item.started = true;
    transfer->AddWrite(i, std::move(page), writes_[i].block);
  }
  if (transfer != nullptr) HL_KILLPOINT("ssd.write.before_payload");
  return transfer;
}

void SsdWriteBatch::TransferDone(std::unique_ptr<SlotTransfer> transfer) {
  HL_KILLPOINT("ssd.write.after_payload");
  SsdCounters::Add(context_.counters.device_writes);
  const absl::Span<SlotTransfer::Part> parts = transfer->parts();
  if (!transfer->status().ok() && parts.size() > 1) {
    // One bad place on the medium must not take its neighbours along.
    for (size_t k = 0; k < parts.size(); ++k) alone_.push_back(transfer->Alone(k));
    return;
  }
  for (const SlotTransfer::Part& part : parts) {
    items_[part.index].began_ns = transfer->began_ns;
    if (transfer->status().ok()) {
      Ready(part.index);
    } else {
      GiveUpSlot(part.index, transfer->status());
    }
  }
}

// The device may still write to a slot that it did not answer for: nobody may use it.
void SsdWriteBatch::GiveUpSlot(size_t i, const absl::Status& status) {
  const SlotPlace place = SsdContext::PlaceOf(items_[i].location);
  items_[i].started ? context_.slots.Spoil(place) : context_.slots.Free(place);
  if (items_[i].started) PartitionOf(i).NoteWriteFailure(status);
  Settle(i, status);
}

// --- Commit

void SsdWriteBatch::Ready(size_t i) {
  Item& item = items_[i];
  item.file = nullptr;
  SsdPartition& partition = PartitionOf(i);
  PerPartition& state = StateOf(partition);
  const uint64_t bytes = item.is_inline ? item.location.bytes : 0;
  if (!state.ready.empty() && state.ready_bytes + bytes > kCommitBytes) Commit(partition);
  state.ready.push_back(i);
  state.ready_bytes += bytes;
  if (state.ready.size() >= kCommitEntries) Commit(partition);
}

void SsdWriteBatch::Commit(SsdPartition& partition) {
  PerPartition& state = StateOf(partition);
  if (state.ready.empty()) return;
  const std::vector<size_t> ready = std::exchange(state.ready, {});
  state.ready_bytes = 0;
  SsdIndex::Entries entries;
  for (const size_t i : ready) {
    const SsdWrite& write = writes_[i];
    const SsdLocation& location = items_[i].location;
    entries.Add(write.key, {location.file, location.slot, location.bytes,
                            write.block.header().identity, write.state});
    if (items_[i].is_inline) {
      std::array<uint8_t, kBlockHeaderBytes> header;
      EncodeBlockHeader(HeaderOf(write.block), absl::MakeSpan(header));
      entries.AddPayload(write.key, header, write.block.payload());
    }
  }
  HL_KILLPOINT("ssd.write.before_index");
  absl::Status status = state.use->index->Put(entries);
  HL_KILLPOINT("ssd.write.after_index");
  if (!status.ok()) {
    partition.NoteWriteFailure(status);
    // kResourceExhausted means the quota here; a full disk or cache under RocksDB is "not now".
    if (!absl::IsAborted(status)) status = absl::UnavailableError(status.message());
  }
  for (const size_t i : ready) {
    status.ok() ? Committed(i, *state.use) : Uncommitted(i, *state.use, status);
  }
}

void SsdWriteBatch::Uncommitted(size_t i, const SsdPartition::Use& use,
                                const absl::Status& status) {
  const SsdLocation& location = items_[i].location;
  if (items_[i].is_inline) {
    use.contents->inline_blocks.Remove(writes_[i].key, location.slot);
    use.contents->inline_charge_bytes -=
        static_cast<int64_t>(InlineSpace::ChargeFor(location.bytes));
  } else {
    context_.slots.Free(SsdContext::PlaceOf(location));
  }
  Settle(i, status);
}

void SsdWriteBatch::Committed(size_t i, const SsdPartition::Use& use) {
  const Item& item = items_[i];
  use.contents->blocks += 1;
  use.contents->block_bytes += item.location.bytes;
  if (!item.is_inline && !context_.slots.Commit(SsdContext::PlaceOf(item.location),
                                                SlotOwner::Of(writes_[i].key, item.location))) {
    return Settle(i, NotNow(PartitionOf(i)));
  }
  if (item.replaced.has_value()) eraser_.DropReplaced(use, *item.replaced);
  Settle(i, item.location);
}

void SsdWriteBatch::Settle(size_t i, absl::StatusOr<SsdLocation> location) {
  SsdCounters& counters = context_.counters;
  Item& item = items_[i];
  item.settled = true;
  const auto took_ns = static_cast<uint64_t>(context_.clock.NowNanos() - item.began_ns);
  const absl::Status status = location.status();
  const bool refused = absl::IsResourceExhausted(status) || absl::IsAborted(status) ||
                       !StateOf(PartitionOf(i)).use->writable;
  if (status.ok()) {
    SsdCounters::Add(counters.writes_ok);
    SsdCounters::Add(counters.written_bytes, writes_[i].block.payload().size());
  } else {
    SsdCounters::Add(refused ? counters.writes_refused : counters.writes_failed);
  }
  if (!refused) counters.write_ns.Record(took_ns);
  if (status.ok() || absl::IsResourceExhausted(status)) {
    results_[i] = std::move(location);
  } else {
    results_[i] = absl::UnavailableError(status.message());
  }
  --counters.queue_depth;
}

}  // namespace halflife
