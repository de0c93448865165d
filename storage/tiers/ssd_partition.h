#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "storage/tiers/inline_blocks.h"
#include "storage/tiers/opening_marker.h"
#include "storage/tiers/slot_space.h"
#include "storage/tiers/ssd_index.h"
#include "storage/tiers/ssd_quota.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// One partition of the tier: its database and the state it is in. Damage or a failing disk never
// reaches further than this class: a partition is one of
//  - healthy: serves everything.
//  - read-only: a write failed, or the database could not be opened for writing: the file system is
//    full or writes to it fail. Reads go on; Step closes and reopens the database after 1, 2, 4 up
//    to 60 s (8 s where it is full), and goes on reading where that fails.
//  - quarantined: the database is damaged, or opening it killed the process (OpeningMarker). It is
//    set aside as partition-N.quarantine-<unix time>, a fresh one takes over under the next
//    generation; what the old one held is gone.
//  - off: not even a fresh database opens, or a full file system left one that cannot be read: its
//    files stay. It is opened again with the same back-off.
// RocksDB is never told to Resume (after a write error it stays in a fatal state: measured, 13 of
// 13) but reopened.
//
// Thread-safe. Borrows everything it is built from.
class SsdPartition {
 public:
  struct Place {
    std::string root;  // of the tier
    int number = 0;
    int partitions = 1;
    uint64_t quota_bytes = 0;
  };

  SsdPartition(Place place, const RocksShared& shared, SlotSpace& slots, SsdQuota& quota,
               const Clock& clock);
  ~SsdPartition();

  // The process died while it opened this partition the last time.
  bool last_open_died() const { return marker_.Read().deaths > 0; }
  // Opens what is there; if it is damaged, sets it aside and opens an empty database. A full file
  // system is not damage. Never fails: at worst the partition is off. Claims the slots its index
  // names.
  void Start();

  // What one generation holds. Late changes by those who still use an older generation go to its
  // own object.
  struct Contents {
    std::atomic<int64_t> blocks{0};
    std::atomic<int64_t> block_bytes{0};          // payload
    std::atomic<int64_t> inline_charge_bytes{0};  // InlineSpace::ChargeFor of the inline blocks
    InlineBlocks inline_blocks;
  };
  // A consistent view for one operation. `index` is null while the partition is off or between
  // close and open.
  struct Use {
    std::shared_ptr<SsdIndex> index;
    std::shared_ptr<Contents> contents;
    uint8_t generation = 0;
    bool writable = false;
  };
  Use use() const;

  // A write to the index or to a slot failed: read-only from here on, until Step reopens. kAborted
  // (a write stall) and kNotFound are not failures.
  void NoteWriteFailure(const absl::Status& status);

  // Erases whose index entry could not be deleted yet; their slots stay taken until it is. At most
  // one per block of the partition, for a block is held by one who erases it.
  void Defer(std::vector<SsdErase> erases);
  // At most `limit` of them, if the partition takes writes or they are of an older generation.
  std::vector<SsdErase> TakeDeferred(size_t limit);
  size_t deferred_count() const;

  // Reopens a read-only partition when its time has come. Bounded.
  void Step();

  // Is this entry of a block that nobody can read before the next start, and that is kept for it?
  bool KeepsUnread(const BlockKey& key, const SsdIndexEntry& entry) const {
    return IsHomeOf(key) && keeps_unread_.load(std::memory_order_relaxed) && !entry.is_inline() &&
           slots_.IsUnopened(entry.file);
  }
  // One of them could not be erased when it should have been: the next reopening erases all.
  void KeepNoneUnread() { keeps_unread_.store(false, std::memory_order_relaxed); }

  int number() const { return place_.number; }
  // Only damage (exchanged files) brings other keys into its index.
  bool IsHomeOf(const BlockKey& key) const {
    return key.Head() % static_cast<uint64_t>(place_.partitions) ==
           static_cast<uint64_t>(place_.number);
  }
  // How often a database was opened: what is in it may be another one, or without its last writes.
  uint64_t openings() const { return openings_.load(std::memory_order_relaxed); }
  uint64_t quarantines() const { return quarantines_.load(std::memory_order_relaxed); }
  // Bytes that its quarantine takes on the file system.
  uint64_t quarantine_bytes() const { return quarantine_bytes_.load(std::memory_order_relaxed); }

 private:
  enum class Phase { kHealthy, kReadOnly, kClosing };

  std::string Directory() const;
  std::string QuarantinePrefix() const;
  // Publishes an open database. `contents` of a new generation, or the present ones after a
  // reopening.
  void Publish(std::shared_ptr<SsdIndex> index);
  // Returns: also kDataLoss if an open of this database killed the process.
  absl::StatusOr<std::shared_ptr<SsdIndex>> Open(
      SsdIndex::Access access = SsdIndex::Access::kReadWrite);
  // What is there, with the slots that its index names claimed.
  absl::StatusOr<std::shared_ptr<SsdIndex>> OpenAndClaim(SsdIndex::Access access);
  // Read-only from here on, because the database cannot be opened for writing. `index` to read
  // from, or null.
  void GoOnReading(const absl::Status& why, std::shared_ptr<SsdIndex> index);
  absl::Status LoadClaims(const SsdIndex& index, Contents& contents);
  bool HeaderIsOf(const SsdIndexEntry& entry) const;
  // Erases from a reopened index what the tier has given up: erases and overwrites that were lost
  // with the end of the log are there again, and writes that were reported as failed may be there.
  absl::Status DropGivenUp(SsdIndex& index) const;
  void SetAside();
  void KeepNewestQuarantine();
  // SetAside, next generation, then a fresh database.
  absl::StatusOr<std::shared_ptr<SsdIndex>> StartAfresh();
  absl::Duration NextBackOffLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Place place_;
  const RocksShared& shared_;
  SlotSpace& slots_;
  SsdQuota& quota_;
  const Clock& clock_;
  std::atomic<bool> keeps_unread_{true};
  std::atomic<uint64_t> openings_{0};
  std::atomic<uint64_t> quarantines_{0};
  std::atomic<uint64_t> quarantine_bytes_{0};
  OpeningMarker marker_;  // of Start and Step

  mutable Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kReadOnly;
  std::shared_ptr<SsdIndex> index_ ABSL_GUARDED_BY(mutex_);
  std::weak_ptr<SsdIndex> closing_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Contents> contents_ ABSL_GUARDED_BY(mutex_);
  uint8_t generation_ ABSL_GUARDED_BY(mutex_) = 1;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;      // in a row, without a healthy minute between
  bool damaged_ ABSL_GUARDED_BY(mutex_) = false;  // a write met damage, since the last quarantine
  bool full_ ABSL_GUARDED_BY(mutex_) = false;     // the last failure was a full file system
  absl::Duration healthy_since_ ABSL_GUARDED_BY(mutex_);
  absl::Duration retry_at_ ABSL_GUARDED_BY(mutex_);
  std::vector<SsdErase> deferred_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
