#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// Where a payload lies on SSD. Opaque to everyone but the tier that made it; 16 bytes, kept in the
// index.
struct SsdLocation {
  uint32_t file = 0;   // slot file number; 0 = inline in RocksDB
  uint32_t slot = 0;   // slot within the file; of an inline block, the number of the write
  uint32_t bytes = 0;  // payload bytes
  uint8_t partition = 0;
  uint8_t generation = 0;  // of the partition: a location from before a quarantine is stale

  friend bool operator==(const SsdLocation&, const SsdLocation&) = default;
};

// What is remembered across a restart beside the bytes.
struct PersistedState {
  BlockKey parent{};  // all zero for a first block
  uint32_t depth = 0;
  Category category = kUnknownCategory;
  uint32_t hits = 0;
  uint32_t idle_s = 0;  // since the last touch, at the time of writing
};

struct SsdWrite {
  BlockKey key;
  BlockRef block;
  PersistedState state;
};

struct SsdRead {
  BlockKey key;
  BlockIdentity identity;  // what the header on disk must say
  SsdLocation location;
};

struct SsdErase {
  BlockKey key;
  SsdLocation location;
};

// Block bytes on a medium slower than DRAM. An SsdTier stores and returns bytes. It does not choose
// what to keep (ResidencyPolicy does), nor remember what it holds (BlockIndex does); it can tell at
// start what it still has.
//
// Thread-safe. Calls may block on I/O: never make one with a lock held.
class SsdTier {
 public:
  struct Stats {
    uint64_t quota_bytes = 0;
    uint64_t used_bytes = 0;   // on the file system: slot files, RocksDB, logs
    uint64_t block_bytes = 0;  // payload bytes of live blocks
    uint64_t blocks = 0;
    uint64_t read_bytes = 0, written_bytes = 0;
    uint64_t reads_ok = 0, reads_missing = 0, reads_corrupt = 0, reads_failed = 0;
    uint64_t writes_ok = 0, writes_refused = 0, writes_failed = 0;
    uint64_t quarantines = 0;      // partitions set aside since start
    uint64_t entries_dropped = 0;  // index entries that Recover could not use
    int partitions_serving = 0;
    int partitions_read_only = 0;
  };

  virtual ~SsdTier() = default;

  // One result per write, in order: the payload is on the medium and its index entry is committed.
  // Each is one of: kResourceExhausted if the quota has no room (evict first), kUnavailable if the
  // partition is not writable now.
  virtual std::vector<absl::StatusOr<SsdLocation>> Write(absl::Span<const SsdWrite> writes) = 0;

  // One result per read, in order, read into arena memory and verified (header identity, length,
  // checksum). Each is one of: kNotFound (stale location), kDataLoss (does not verify: forget the
  // block), kUnavailable (not now: keep the block), kResourceExhausted if DRAM has no room.
  virtual std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const SsdRead> reads) = 0;

  // Forgets blocks and frees their slots. Unknown or stale entries are ignored.
  virtual void Erase(absl::Span<const SsdErase> erases) = 0;

  // Calls `found` once for every block of the medium, at start, before any other call. Entries that
  // do not decode are dropped and counted.
  struct Recovered {
    BlockKey key;
    SsdLocation location;
    BlockIdentity identity;
    PersistedState state;
  };
  virtual void Recover(const std::function<void(const Recovered&)>& found) = 0;

  // Namespaces outlive the process, so that blocks found at start can be served. Canonical
  // descriptor bytes.
  virtual absl::Status PutNamespace(const NamespaceId& id, const std::string& descriptor) = 0;
  virtual void DeleteNamespace(const NamespaceId& id, const Digest128& key_prefix) = 0;
  virtual std::vector<std::string> LoadNamespaces() = 0;

  // Bytes that may still be written before Write answers kResourceExhausted for blocks of this
  // size.
  virtual uint64_t FreeBytesFor(uint64_t payload_bytes) const = 0;

  // Locations whose blocks should go so that their slot file can be given to another size class
  // (empty when there is no such need). Bounded by `limit`.
  virtual std::vector<SsdLocation> WantedBack(size_t limit) = 0;

  // The present generation of each partition. A location whose generation differs from its
  // partition's is stale: the block went with a quarantine, and nothing but this tells of it. Only
  // Step changes them. Cheap.
  virtual std::vector<uint8_t> Generations() const = 0;

  // Background upkeep (reopen a failed partition, delete empty slot files, flush). Returns true if
  // more is ready.
  virtual bool Step() = 0;

  virtual Stats stats() const = 0;
};

}  // namespace halflife
