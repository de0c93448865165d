#pragma once

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
  // Part of an item has arrived: a stream that ends here was cut.
  bool in_the_middle() const { return current_.has_value(); }
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

  BlockIdentity IdentityOf(size_t item) const;
  bool Begin(const FrameHead& head, size_t item, std::vector<GetItem>& items);
  void TakePiece(absl::Span<const uint8_t> piece);
  void Finish(std::vector<GetItem>& items);

  const Expected expected_;
  std::vector<bool> is_settled_;
  std::optional<Current> current_;
  Counts counts_;
};

}  // namespace halflife::client
