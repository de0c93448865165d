#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "storage/tiers/slot_file.h"
#include "storage/tiers/slot_table.h"
#include "storage/tiers/ssd_quota.h"

namespace halflife {

// One slot, as its index entry names it.
struct SlotPlace {
  uint32_t file = 0;
  uint32_t slot = 0;
};

// All slot files of the tier, in size classes of the blocks' exact sizes (padded to 4 KiB). Files
// are made when a class needs room and the quota has it, and deleted when they are empty and the
// room is wanted elsewhere. Shared by the partitions, so that no partition is full while another
// has room.
//
// A class fills its fullest file first, so that the others run empty. Thread-safe; files are
// touched outside the lock.
class SlotSpace {
 public:
  struct Options {
    std::string directory;
    uint64_t file_bytes = 0;  // wanted size of one file; a file holds at least one slot
    bool direct_io = true;
  };
  // Charged per slot beside its bytes: its entry in RocksDB. Key and value are 177 bytes; the rest
  // is for tombstones, former versions and levels (the quota tests measure the sum on the file
  // system).
  static constexpr uint64_t kEntryChargeBytes = 1024;

  // Borrows `io` and `quota`, which outlive it.
  SlotSpace(Options options, SlotIo& io, SsdQuota& quota);

  // --- At start
  // Opens the files of the directory. One that holds no whole slot, or for which the quota has no
  // room, is deleted. One that cannot be opened now stays where it is, and so do the index entries
  // that name it: its blocks are misses until a start finds them again. Its bytes count against the
  // quota, and its number is not used again. Returns: kUnavailable if the directory cannot be read
  // or made.
  absl::Status LoadFiles();
  bool has_unopened() const;
  bool IsUnopened(uint32_t number) const;
  enum class ClaimResult { kOk, kTaken, kOutside };
  // kOutside: no such file or slot, or slots of another size.
  ClaimResult Claim(SlotPlace place, const SlotOwner& owner);
  void Reassign(SlotPlace place, const SlotOwner& owner);
  std::shared_ptr<const SlotFile> FindFile(uint32_t number) const;  // null if there is none
  void FinishClaims();

  // --- Blocks
  struct Taken {
    SlotPlace place;
    std::shared_ptr<const SlotFile> file;
  };
  // A free slot for a payload of this size. Ends with Commit, Free or Spoil.
  // Returns: kResourceExhausted if neither a slot nor quota for a file is there,
  // kFailedPrecondition if the file system is full, kUnavailable if the file cannot be made.
  absl::StatusOr<Taken> Take(const SlotOwner& owner);
  // False, and the slot is free again, if the owner's partition has another generation by now.
  bool Commit(SlotPlace place, const SlotOwner& owner);
  void Free(SlotPlace place);
  // After a failed write: the slot is not used again before a restart.
  void Spoil(SlotPlace place);
  // Before the index is told of another place for the owner's block.
  void NoteCopy(SlotPlace place, const SlotOwner& owner);
  // Unless kNotHeld it ends with Free, after the index forgot the block.
  SlotTable::Erasing BeginErase(SlotPlace place, const SlotOwner& owner);
  // The file, if `owner` holds the slot; else null.
  std::shared_ptr<const SlotFile> Find(SlotPlace place, const SlotOwner& owner) const;
  // Nothing of an older generation of this partition holds a slot afterwards.
  void StartGeneration(uint8_t partition, uint8_t generation);

  // --- Room
  uint64_t FreeBytesFor(uint64_t payload_bytes) const;
  // Of the quota, charged for files that are empty now.
  uint64_t EmptyFileBytes() const;
  // Used slots of the emptiest file of a class that could do with one file less, while another
  // class was refused for lack of quota. The file takes no new blocks from then on.
  std::vector<std::pair<SlotPlace, SlotOwner>> WantedBack(size_t limit);
  // Deletes an empty file of another class than that of `except_payload_bytes` (0: of any). False
  // if there is none.
  bool DropEmptyFile(uint64_t except_payload_bytes);
  // Whether the last inline block found quota: while it did not, other classes are asked to make
  // room.
  void NoteInline(bool granted) { inline_refused_.store(!granted, std::memory_order_relaxed); }
  // Deletes at most one empty file that is not needed. True if one more can go.
  bool Step();

  struct Stats {
    uint64_t file_bytes = 0;
    uint64_t files = 0;
    uint64_t entry_charge_bytes = 0;  // part of the quota charged for index entries
  };
  Stats stats() const;

 private:
  struct File {
    std::shared_ptr<const SlotFile> io;
    SlotTable table;
    bool retiring = false;
  };
  struct SizeClass {
    std::set<std::pair<uint32_t, uint32_t>> with_room;  // (free slots, file number), not retiring
    uint32_t file_count = 0;
    uint32_t empty_count = 0;
    uint64_t free_slots = 0;
    bool growing = false;
  };

  static uint64_t ChargeFor(uint64_t slot_bytes, uint64_t slots) {
    return slots * (slot_bytes + kEntryChargeBytes) + kPageBytes;
  }
  std::optional<Taken> TakeFreeLocked(uint64_t slot_bytes, const SlotOwner& owner)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<SlotFile>> CreateFile(uint64_t slot_bytes, uint32_t number);
  // Slots of the largest file that the quota grants, and the grant taken; 0 if there is none.
  uint32_t TakeQuota(uint64_t slot_bytes);
  // False if the quota has no room for it.
  bool LeaveUnopened(const SlotFile::Place& place, const absl::Status& why);
  void AddLocked(std::shared_ptr<const SlotFile> file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Every change of a table goes between these two, which keep the class's counts.
  void ForgetLocked(uint32_t number, const File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountLocked(uint32_t number, const File& file) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Change>
  void ChangeLocked(uint32_t number, const Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes an unused file out of the table; null if `wanted` holds for none.
  template <typename Wanted>
  std::shared_ptr<const SlotFile> RemoveEmptyLocked(const Wanted& wanted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Delete(std::shared_ptr<const SlotFile> file);
  // Number of the file that WantedBack empties, 0 if none.
  uint32_t EmptiestFileLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsRefusedOtherThanLocked(uint64_t slot_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint32_t SlotsPerFile(uint64_t slot_bytes) const;

  const Options options_;
  SlotIo& io_;
  SsdQuota& quota_;

  mutable Mutex mutex_;
  CondVar grown_;
  std::map<uint32_t, File> files_ ABSL_GUARDED_BY(mutex_);             // by number
  std::map<uint64_t, SizeClass> classes_ ABSL_GUARDED_BY(mutex_);      // by slot bytes
  std::array<uint8_t, 256> generations_ ABSL_GUARDED_BY(mutex_) = {};  // by partition
  std::set<uint32_t> unopened_ ABSL_GUARDED_BY(mutex_);  // files that LoadFiles left as they are
  uint32_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
  // Slot bytes of the class that was refused last and has found no slot since; 0 = none.
  uint64_t refused_class_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t file_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t slot_count_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<bool> inline_refused_{false};
};

}  // namespace halflife
