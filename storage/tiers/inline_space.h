#pragma once

#include <algorithm>
#include <cstdint>

#include "common/mutex.h"
#include "storage/tiers/ssd_quota.h"

namespace halflife {

// The part of the quota that RocksDB takes for inline payloads. RocksDB keeps what was erased until
// it compacts, so two measures count, the larger wins: the live bytes with a factor, and what the
// tables really take. The charge is raised before a block is written and lowered only in the
// background, when the tables have shrunk. Thread-safe.
class InlineSpace {
 public:
  // Bytes charged for a live inline block: its value (header and payload), key and index entry,
  // times 1.25 for levels and table overhead. Measured with rocks_options.cc, 12 KiB blocks and 8
  // partitions: the tables take 1.13 times the payload after a fill; while everything is
  // overwritten three times without a pause they grow to 1.5 times, which Cover sees and refuses
  // for a while.
  static uint64_t ChargeFor(uint64_t payload_bytes) {
    return (payload_bytes + kPerBlockBytes) * 5 / 4;
  }

  // What the databases hold, summed over the partitions.
  struct Use {
    uint64_t live_charge_bytes = 0;   // sum of ChargeFor
    uint64_t table_bytes = 0;         // SST files on disk
    uint64_t entry_charge_bytes = 0;  // of tables, charged elsewhere: entries of slot blocks
  };

  explicit InlineSpace(SsdQuota& quota) : quota_(quota) {}

  // Raises the charge to cover `use`. False, and nothing taken, if the quota has no room.
  bool Cover(const Use& use) {
    const uint64_t wanted = Wanted(use);
    MutexLock lock(mutex_);
    if (wanted <= charged_bytes_) return true;
    if (!quota_.TryTake(wanted - charged_bytes_)) return false;
    charged_bytes_ = wanted;
    return true;
  }

  // Follows `use`; upwards only as far as the quota goes. Tables that have outgrown it stay without
  // a charge, so Cover refuses until they have shrunk.
  void Settle(const Use& use) {
    const uint64_t wanted = Wanted(use);
    MutexLock lock(mutex_);
    if (wanted < charged_bytes_) {
      quota_.GiveBack(charged_bytes_ - wanted);
      charged_bytes_ = wanted;
    } else if (const uint64_t more = std::min(wanted - charged_bytes_, quota_.free_bytes());
               quota_.TryTake(more)) {
      charged_bytes_ += more;
    }
  }

  // Charge that live blocks do not use: this much fits beside what the quota has, once RocksDB has
  // compacted.
  uint64_t UnusedBytes(Use use) const {
    use.table_bytes = 0;
    const uint64_t wanted = Wanted(use);
    MutexLock lock(mutex_);
    return charged_bytes_ > wanted ? charged_bytes_ - wanted : 0;
  }

 private:
  static constexpr uint64_t kPerBlockBytes = 512;
  // Writers that run while Settle lowers the charge are inside this.
  static constexpr uint64_t kSlackBytes = 256 << 10;

  static uint64_t Wanted(const Use& use) {
    const uint64_t beyond_entries =
        use.table_bytes > use.entry_charge_bytes ? use.table_bytes - use.entry_charge_bytes : 0;
    const uint64_t larger = std::max(use.live_charge_bytes, beyond_entries);
    return larger == 0 ? 0 : larger + kSlackBytes;
  }

  SsdQuota& quota_;
  mutable Mutex mutex_;
  uint64_t charged_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
