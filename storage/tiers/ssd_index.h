#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/block_key.h"
#include "rocksdb/slice.h"
#include "storage/tiers/rocks_options.h"
#include "storage/tiers/ssd_index_entry.h"

namespace rocksdb {
class DB;
class SstFileManager;
class WriteBatch;
}  // namespace rocksdb

namespace halflife {

// The RocksDB of one partition: block key -> SsdIndexEntry, inline payloads, namespaces. Knows
// nothing of slots.
//   'e' key -> SsdIndexEntry · 'p' key -> BlockHeader + payload · 'n' ns256 -> descriptor · 'm' ->
//   layout
//
// Every write is one atomic batch into the WAL, unsynced; it never waits for a stall (no_slowdown):
// that is kAborted. Errors are those of FromRocks. After kUnavailable, kDataLoss or
// kResourceExhausted from a write the database accepts nothing more: reopen it. Thread-safe. Closes
// when the last shared_ptr goes.
class SsdIndex {
 public:
  struct Place {
    std::string directory;
    int partition = 0;
    int partitions = 1;
    uint64_t quota_bytes = 0;  // of the whole tier: last resort against runaway growth
  };

  // kRead writes nothing, not even a log or a lock: for a disk that is full, or cannot be written.
  // Every write to such an index fails.
  enum class Access { kReadWrite, kRead };
  // Returns: kDataLoss if what is there is damaged or was written for another number of partitions
  // or by another version (kRead: also if nothing is there), kResourceExhausted if the file system
  // is full, kUnavailable on I/O errors.
  static absl::StatusOr<std::shared_ptr<SsdIndex>> Open(const Place& place,
                                                        const RocksShared& shared,
                                                        Access access = Access::kReadWrite);
  ~SsdIndex();

  // What one Put commits, all or nothing: an entry per block, and the payload of an inline one.
  class Entries {
   public:
    Entries();
    ~Entries();
    void Add(const BlockKey& key, const SsdIndexEntry& entry);
    void AddPayload(const BlockKey& key, absl::Span<const uint8_t> header,
                    absl::Span<const uint8_t> payload);

   private:
    friend class SsdIndex;
    const std::unique_ptr<rocksdb::WriteBatch> batch_;
  };
  absl::Status Put(Entries& entries);
  // Returns: kNotFound; kDataLoss also if the entry does not decode.
  absl::StatusOr<SsdIndexEntry> Get(const BlockKey& key) const;
  // Header and payload, valid during `use` only. Returns: kNotFound, or what `use` returned.
  absl::Status GetInline(const BlockKey& key,
                         const std::function<absl::Status(absl::Span<const uint8_t>)>& use) const;
  // The entries of `keys`, and what is inline of `inline_keys`. Missing keys are no error, but each
  // costs a tombstone.
  absl::Status Erase(absl::Span<const BlockKey> keys, absl::Span<const BlockKey> inline_keys);

  // Calls `found` for every entry, in key order; entries that do not decode come as an error.
  // Returns: the error that ended the walk early.
  using Found = std::function<void(const BlockKey&, const absl::StatusOr<SsdIndexEntry>&)>;
  absl::Status ForEach(const Found& found) const { return ForEachInRange("", found); }
  absl::Status ForEachOf(const Digest128& ns, const Found& found) const {
    return ForEachInRange(AsText(ns), found);
  }

  absl::Status PutNamespace(const NamespaceId& id, const std::string& descriptor);
  // Only the descriptor.
  absl::Status ForgetNamespace(const NamespaceId& id);
  // The descriptor and, by one range delete, all entries and payloads under `ns`.
  absl::Status DeleteNamespace(const NamespaceId& id, const Digest128& ns);
  absl::StatusOr<absl::flat_hash_map<NamespaceId, std::string>> Namespaces() const;

  // Bytes of SST files now; of write buffers, which is about what the WAL holds.
  uint64_t table_bytes() const;
  uint64_t write_buffer_bytes() const;
  // What the database says about itself now. Cheap: a few dozen short locks of RocksDB, no I/O.
  void AddTo(SsdTier::Database& database) const;
  // Asks for a compaction of everything in the background; returns at once.
  void SuggestCompaction();

 private:
  SsdIndex(std::string name, Access access, std::shared_ptr<rocksdb::SstFileManager> files,
           std::shared_ptr<RocksFigures> figures);
  absl::Status CheckLayout(const Place& place);
  absl::Status ForEachInRange(std::string_view ns, const Found& found) const;
  absl::Status Write(rocksdb::WriteBatch& batch);

  const std::string name_;
  const Access access_;
  const std::shared_ptr<rocksdb::SstFileManager> files_;
  const std::shared_ptr<RocksFigures> figures_;
  std::unique_ptr<rocksdb::DB> db_;  // set once by Open
};

}  // namespace halflife
