#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "common/histogram.h"
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

struct SsdMove {
  BlockKey key;
  SsdLocation from;
};

// Block bytes on a medium slower than DRAM. An SsdTier stores and returns bytes. It does not choose
// what to keep (ResidencyPolicy does), nor remember what it holds (BlockIndex does); it can tell at
// start what it still has.
//
// Thread-safe. Calls may block on I/O: never make one with a lock held.
class SsdTier {
 public:
  // How long operations took, in nanoseconds: those that were done or failed, not those refused
  // for want of room and not reads of stale locations.
  struct Durations {
    Histogram::Snapshot read_ns;    // one block from the medium into the arena, verified
    Histogram::Snapshot write_ns;   // one block: payload and index entry
    Histogram::Snapshot erase_ns;   // up to 1,024 blocks of one partition at once
    Histogram::Snapshot commit_ns;  // one write to the index database, a part of the two above
  };
  // The database of the index: sums over the partitions.
  struct Database {
    static constexpr int kLevels = 7;

    // Now:
    uint64_t memtable_bytes = 0;
    uint64_t block_cache_bytes = 0;
    uint64_t table_bytes = 0;      // of files, with what is overwritten or erased in them
    uint64_t live_data_bytes = 0;  // of those, not overwritten or erased; an estimate
    uint64_t pending_compaction_bytes = 0;
    uint64_t running_compactions = 0, running_flushes = 0;
    uint64_t slowed_partitions = 0;   // refuse writes until a flush or compaction has caught up
    uint64_t stopped_partitions = 0;  // of those, RocksDB would hold writes back altogether
    std::array<uint64_t, kLevels> level_files{};
    // Since start:
    uint64_t stall_ns = 0;  // partitions were slowed or stopped, summed over them
    uint64_t background_errors = 0;
    uint64_t compactions = 0, flushes = 0;
    uint64_t compaction_read_bytes = 0, compaction_written_bytes = 0;
    uint64_t flush_written_bytes = 0;
  };
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
    uint64_t blocks_moved = 0;  // so that their slot file could go
    // Block reads and writes that were asked for and are not done: waiting or on the device.
    uint64_t queue_depth = 0;
    bool uses_io_uring = false;  // for slot files; else threads that wait
    // Requests to the device for payload in slots: fewer than blocks where neighbours went
    // together.
    uint64_t device_reads = 0, device_writes = 0;
    uint64_t timeouts = 0;         // batches that the device did not answer in time
    uint64_t stuck_transfers = 0;  // given up and still on the device, with their memory
    Durations durations;
    Database database;
  };

  virtual ~SsdTier() = default;

  // One result per write, in order: the payload is on the medium and its index entry is committed.
  // Each is one of: kResourceExhausted if the quota has no room (evict first), kUnavailable if the
  // partition is not writable now.
  virtual std::vector<absl::StatusOr<SsdLocation>> Write(absl::Span<const SsdWrite> writes) = 0;

  // One result per read, in order, read into arena memory and verified (header identity, length,
  // checksum). Each is one of: kNotFound (stale location), kDataLoss (does not verify: forget the
  // block), kUnavailable (not now: keep the block), kResourceExhausted if DRAM has no room. Comes
  // back within a bounded time also if the medium does not answer: then those reads are
  // kUnavailable.
  virtual std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const SsdRead> reads) = 0;

  // Forgets blocks and frees their slots. Unknown or stale entries are ignored.
  virtual void Erase(absl::Span<const SsdErase> erases) = 0;

  // Somebody wants these blocks gone: also where the medium holds them and could not tell so at
  // this start, they are not found at the next one.
  virtual void Forget(absl::Span<const BlockKey> keys) {}

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

  // Locations whose blocks should move or go so that their slot file can be given to another size
  // class (empty when there is no such need). Bounded by `limit`.
  virtual std::vector<SsdLocation> WantedBack(size_t limit) = 0;

  // Copies blocks that are wanted back to other places. One result per move, in order: the new
  // location, committed; the former one can be read until it is erased. Each is one of: kNotFound
  // (stale), kDataLoss, kUnavailable (not now), kResourceExhausted if DRAM has no room for the copy
  // or the medium none elsewhere.
  virtual std::vector<absl::StatusOr<SsdLocation>> Move(absl::Span<const SsdMove> moves) = 0;

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
