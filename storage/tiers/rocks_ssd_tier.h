#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

struct SsdSeams;

// SsdTier over RocksDB and slot files in one directory:
//   LOCK.ssd
//   partition-N/                       RocksDB: index, namespaces, payload of small blocks
//   partition-N.opening                there while partition N is being opened: OpeningMarker
//   partition-N.quarantine-<seconds>/  the newest damaged database of that partition, for people
//   slots/<number>-<slot bytes>.slots  payload of the other blocks
//
// A block is written payload first, index entry after; it is erased index entry first, slot after.
// Every read verifies header, identity, length and checksum, so a stale, torn or damaged slot is a
// miss, never a wrong byte. Thread-safe as SsdTier says. Borrows arena and clock.
class RocksSsdTier final : public SsdTier {
 public:
  struct Options {
    std::string directory;
    // Bytes on the file system that the tier never exceeds. At least MinimumQuotaBytes.
    uint64_t quota_bytes = 0;
    // Databases. More of them lose less when one is damaged and cost more memory and fixed room.
    // Changing it empties the index.
    int partitions = 8;
    // Blocks up to this size live in RocksDB, the rest in slots, which cost a 4 KiB page each. With
    // 16 KiB inline, demotion at full speed outran compaction and a third of it was refused
    // (make demo with the Mooncake trace). Raise it when blocks are small and space matters more
    // than writes.
    uint64_t inline_payload_max_bytes = uint64_t{8} << 10;
    // Off only where the page cache should keep blocks as well; falls back by itself where direct
    // I/O is refused.
    bool direct_io = true;
    // io_uring for slot files. Off only to compare: where the kernel or a seccomp profile does not
    // allow it, threads take its place by themselves, and stats() says so.
    bool io_uring = true;
    // Threads that wait for RocksDB, and for slot files where there is no io_uring (then 8 at
    // least). So many callers of Read at a time find an io_uring of their own; others wait for one.
    int io_threads = 4;
    // Their tasks that may wait; beyond, reads are kUnavailable.
    int io_queue_limit = 256;
    // A batch of reads is answered after this time and 10 ms per MiB, whatever the device does.
    // Raise it for network disks that pause for longer and are worth waiting for.
    absl::Duration read_timeout = absl::Seconds(1);
    // The same for writes, which nobody waits for: how soon a hung device is noticed. Their slots
    // are lost until a restart.
    absl::Duration write_timeout = absl::Seconds(10);
    const SsdSeams* seams = nullptr;  // tests only

    // Returns: kInvalidArgument naming the field and its bounds.
    absl::Status Validate() const;
  };
  static constexpr int kMaxPartitions = 64;

  // What RocksDB needs for itself, plus one slot file of the smallest kind: 14 MiB with 8
  // partitions.
  static uint64_t MinimumQuotaBytes(int partitions);

  // Damage never makes it fail: damaged parts start empty.
  // Returns: kInvalidArgument (options), kFailedPrecondition (directory owned or writable by
  // others, or in use: the message names the remedy), kUnavailable (directory cannot be made or
  // written).
  static absl::StatusOr<std::unique_ptr<RocksSsdTier>> Open(const Options& options,
                                                            DramArena& arena, const Clock& clock);
  // No call may run.
  ~RocksSsdTier() override;

  // A key that is already there is replaced; its former location is stale.
  std::vector<absl::StatusOr<SsdLocation>> Write(absl::Span<const SsdWrite> writes) override;
  std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const SsdRead> reads) override;
  void Erase(absl::Span<const SsdErase> erases) override;
  void Forget(absl::Span<const BlockKey> keys) override;
  void Recover(const std::function<void(const Recovered&)>& found) override;
  absl::Status PutNamespace(const NamespaceId& id, const std::string& descriptor) override;
  void DeleteNamespace(const NamespaceId& id, const Digest128& key_prefix) override;
  std::vector<std::string> LoadNamespaces() override;
  uint64_t FreeBytesFor(uint64_t payload_bytes) const override;
  std::vector<SsdLocation> WantedBack(size_t limit) override;
  std::vector<absl::StatusOr<SsdLocation>> Move(absl::Span<const SsdMove> moves) override;
  std::vector<uint8_t> Generations() const override;
  bool Step() override;
  Stats stats() const override;

 private:
  struct Parts;  // everything that knows RocksDB or slot files

  RocksSsdTier(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace halflife
