#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/tiers/slot_transfer.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// What came of one read, and how long it took; -1: it never reached the medium.
struct SsdReadOutcome {
  absl::StatusOr<BlockRef> block;
  int64_t took_ns = -1;
};

// The header, if it and the payload are what the reader wants. Returns: kDataLoss.
absl::StatusOr<BlockHeader> VerifyBlock(const SsdRead& read, absl::Span<const uint8_t> header_bytes,
                                        absl::Span<const uint8_t> payload);

// The blocks in slots of one batch of reads, as transfers: neighbours together, each block into
// arena memory that is taken when its turn comes, and verified when it is there. Borrows all.
class SsdSlotReads {
 public:
  struct Item {
    size_t index = 0;  // of the read in the batch
    SlotPlace place;
    std::shared_ptr<const SlotFile> file;
  };

  SsdSlotReads(SsdContext& context, absl::Span<const SsdRead> reads, std::vector<Item> items,
               absl::Span<SsdReadOutcome> outcomes);

  // As SlotFlow wants them. What never comes to Done keeps the outcome it had.
  std::unique_ptr<SlotTransfer> Next();
  void Done(std::unique_ptr<SlotTransfer> transfer);

 private:
  bool Continues(const SlotTransfer& transfer, const Item& item) const;
  absl::StatusOr<BlockRef> Verified(const SlotTransfer& transfer, SlotTransfer::Part& part) const;

  SsdContext& context_;
  const absl::Span<const SsdRead> reads_;
  std::vector<Item> items_;  // in the order of the medium
  size_t next_ = 0;
  std::deque<std::unique_ptr<SlotTransfer>> alone_;  // of a larger one that failed
  const absl::Span<SsdReadOutcome> outcomes_;
};

}  // namespace halflife
