#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "client/include/halflife/client.h"
#include "client/src/scatter.h"
#include "client/src/transfer_shape.h"
#include "common/block/block_id.h"
#include "common/hashing.h"
#include "proto/wire/frame_codec.h"

namespace halflife::client {

// Puts the frames of one Get into the caller's segments, and lets an item be kOk only when index,
// part, offsets, length and the checksum (bound to the identity that was ASKED FOR) hold. It trusts
// nothing in a frame. No RPC, no lock: see Call about caller memory. Not thread-safe.
class BlockReceiver {
 public:
  struct Expected {
    NamespaceId ns;
    uint32_t group = 0;
    uint64_t block_bytes = 0;
    TransferShape shape;
    bool verify = true;
  };
  struct Counts {
    uint64_t corrupt_blocks = 0;
    uint64_t bytes = 0;  // of items that are kOk
  };

  explicit BlockReceiver(Expected expected) : expected_(std::move(expected)) {}

  // Forgets what has arrived; for a second attempt.
  void Restart(std::vector<GetItem>& items);
  // False if the frame is not what was asked for (a violation: nothing after it can be trusted).
  // Items that it completes get their outcome.
  bool Accept(const Frame& frame, std::vector<GetItem>& items);
  // Items of blocks with a lower index are not wanted: nothing more is put into their segments, and
  // the sender may break off in the middle of one. Stays raised when restarted.
  void RaiseFloor(uint32_t block) { floor_ = std::max(floor_, block); }
  // Part of an item that is wanted has arrived: a stream that ends here was cut.
  bool in_the_middle() const { return current_.has_value() && IsWanted(current_->item); }
  bool is_settled(size_t item) const { return item < is_settled_.size() && is_settled_[item]; }
  uint32_t blocks() const { return static_cast<uint32_t>(expected_.shape.chain.size()); }
  // Items of which nothing more comes.
  size_t settled_items() const { return settled_items_; }
  const Counts& counts() const { return counts_; }

 private:
  // The item that is being received: frames of one item follow each other.
  struct Current {
    size_t item = 0;
    uint64_t received_bytes = 0;
    Digest128 declared{};
    Xxh3Stream actual;
    ScatterCursor into;
  };

  bool IsWanted(size_t item) const { return item / expected_.shape.part_count >= floor_; }
  void Settle(size_t item);
  BlockIdentity IdentityOf(size_t item) const;
  bool Begin(const FrameHead& head, size_t item, std::vector<GetItem>& items);
  void TakePiece(absl::Span<const uint8_t> piece);
  void Finish(std::vector<GetItem>& items);

  const Expected expected_;
  uint32_t floor_ = 0;
  std::vector<bool> is_settled_;
  size_t settled_items_ = 0;
  std::optional<Current> current_;
  Counts counts_;
};

}  // namespace halflife::client
