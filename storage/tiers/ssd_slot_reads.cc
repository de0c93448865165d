#include "storage/tiers/ssd_slot_reads.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "common/block/block_header.h"
#include "common/killpoint.h"
#include "common/status.h"
#include "storage/tiers/slot_flow.h"

namespace halflife {

absl::StatusOr<BlockHeader> VerifyBlock(const SsdRead& read, absl::Span<const uint8_t> header_bytes,
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

SsdSlotReads::SsdSlotReads(SsdContext& context, absl::Span<const SsdRead> reads,
                           std::vector<Item> items, absl::Span<SsdReadOutcome> outcomes)
    : context_(context), reads_(reads), items_(std::move(items)), outcomes_(outcomes) {
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return std::tie(a.place.file, a.place.slot) < std::tie(b.place.file, b.place.slot);
  });
}

bool SsdSlotReads::Continues(const SlotTransfer& transfer, const Item& item) const {
  return item.file == transfer.file() && item.place.slot == transfer.end_slot() &&
         transfer.total_bytes() + item.file->slot_bytes() <= kMergedBytes;
}

std::unique_ptr<SlotTransfer> SsdSlotReads::Next() {
  std::unique_ptr<SlotTransfer> transfer;
  if (!alone_.empty()) {
    transfer = std::move(alone_.front());
    alone_.pop_front();
    return transfer;
  }
  while (next_ < items_.size()) {
    const Item& item = items_[next_];
    if (transfer != nullptr && !Continues(*transfer, item)) break;
    ++next_;
    absl::StatusOr<BlockBuffer> buffer = context_.arena.Allocate(reads_[item.index].location.bytes);
    if (!buffer.ok()) {
      outcomes_[item.index].block = buffer.status();
      continue;
    }
    if (transfer == nullptr) {
      transfer =
          std::make_unique<SlotTransfer>(SlotTransfer::Kind::kRead, item.file, item.place.slot);
    }
    transfer->AddRead(item.index, *std::move(buffer));
  }
  return transfer;
}

absl::StatusOr<BlockRef> SsdSlotReads::Verified(const SlotTransfer& transfer,
                                                SlotTransfer::Part& part) const {
  HL_RETURN_IF_ERROR(transfer.status());
  const auto header_bytes = absl::MakeConstSpan(part.header->bytes).subspan(0, kBlockHeaderBytes);
  HL_ASSIGN_OR_RETURN(const BlockHeader header,
                      VerifyBlock(reads_[part.index], header_bytes, part.buffer.bytes()));
  return std::move(part.buffer).Seal(header);
}

void SsdSlotReads::Done(std::unique_ptr<SlotTransfer> transfer) {
  HL_KILLPOINT("ssd.read.after_io");
  SsdCounters::Add(context_.counters.device_reads);
  const absl::Span<SlotTransfer::Part> parts = transfer->parts();
  if (!transfer->status().ok() && parts.size() > 1) {
    // One bad place on the medium must not take its neighbours along.
    for (size_t i = 0; i < parts.size(); ++i) alone_.push_back(transfer->Alone(i));
    return;
  }
  for (SlotTransfer::Part& part : parts) {
    SsdReadOutcome& outcome = outcomes_[part.index];
    outcome.block = Verified(*transfer, part);
    outcome.took_ns = context_.clock.NowNanos() - transfer->began_ns;
  }
}

}  // namespace halflife
