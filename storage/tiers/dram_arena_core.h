#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/dram_generations.h"
#include "storage/tiers/dram_memory.h"
#include "storage/tiers/dram_scopes.h"
#include "storage/tiers/dram_size_class.h"
#include "storage/tiers/dram_slot.h"

namespace halflife {

// What DramArena is made of: the memory, the budget and the size classes. Class c owns the file's
// bytes [c * range, (c + 1) * range), range = budget rounded up to 2 MiB, so every class could take
// the whole budget.
//
// One leaf lock guards the bookkeeping, some ten loads and stores per call. System calls and the
// making of control records happen without it, on a slab that is in nobody's reach: reserved but
// not published, or taken out.
class DramArenaCore {
 public:
  DramArenaCore(const DramArena::Options& options, std::unique_ptr<SparseMemory> memory,
                std::unique_ptr<GenerationTable> generations);
  ~DramArenaCore();

  static uint64_t RangeBytes(const DramArena::Options& options);

  // As DramArena::Allocate; the slot has one reference.
  absl::StatusOr<BlockSlot*> Allocate(size_t payload_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // The block in this slot says this of itself from now on. Of a slot that nobody else has.
  void Seal(BlockSlot* slot, const BlockHeader& header);
  // Of a sealed slot, and from a caller that holds a reference: no lock.
  BlockHeader HeaderOf(const BlockSlot& slot) const;
  bool IsOf(const BlockSlot& slot, const BlockIdentity& identity) const {
    return slot.hash == identity.hash && scopes_[slot.scope] == BlockScope::Of(identity);
  }
  // Takes back a slot without references.
  void Free(BlockSlot* slot) ABSL_LOCKS_EXCLUDED(mutex_);

  // See DramArena::Expect.
  void Expect(size_t payload_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  // A slot that nobody has had yet, of the class that was asked for last, or none if less is to be
  // populated ahead: `stock_bytes` of the class are there already, or what is left of the budget is
  // needed otherwise. It is free, and may be handed out meanwhile: its pages come into being
  // whoever asks for them. Its slab stays until ReturnPopulated.
  FreshSlot TakeToPopulate(uint64_t stock_bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void ReturnPopulated(const FreshSlot& slot) ABSL_LOCKS_EXCLUDED(mutex_);
  // [offset, offset + size_bytes) of the slot.
  bool Populate(const FreshSlot& slot, uint64_t offset, uint64_t size_bytes) const;

  // See DramArena.
  uint64_t GatherPages() ABSL_LOCKS_EXCLUDED(mutex_);

  uint64_t FreeBytesFor(size_t payload_bytes) const ABSL_LOCKS_EXCLUDED(mutex_);
  void SetReserves(absl::Span<const DramArena::Reserve> reserves) ABSL_LOCKS_EXCLUDED(mutex_);
  DramArena::SlabPressure MostWastefulSlab(size_t wanted_payload_bytes) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void RetireSlab(const DramArena::SlabPressure& slab) ABSL_LOCKS_EXCLUDED(mutex_);
  DramArena::Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);
  const SparseMemory& memory() const { return *memory_; }
  const GenerationTable& generations() const { return *slot_generations_; }

  void CountUnsealed(int64_t bytes) { unsealed_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  uint64_t unsealed_bytes() const {
    return static_cast<uint64_t>(unsealed_bytes_.load(std::memory_order_relaxed));
  }

 private:
  // What Allocate does next: at most one of these; none means that there is no room.
  struct Step {
    BlockSlot* slot = nullptr;
    FreshSlot fresh;                // to be populated
    std::unique_ptr<Slab> opening;  // reserved and paid for
    std::unique_ptr<Slab> leaving;  // taken out, still paid for
  };
  Step NextStepLocked(size_t stride_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // A place for a slab, with at most so many bytes of the budget.
  std::unique_ptr<Slab> ReserveLocked(int class_index, uint64_t limit_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // -1 if there is none.
  int FindClassLocked(size_t stride_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int FindIdleClassLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // An empty slab that was kept by a class.
  enum class From { kThoseWithMoreThanTheirReserve, kAny, kThoseThatAreIdleThen };
  std::unique_ptr<Slab> TakeEmptyLocked(From from) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a size may still take, beyond the free slots of its class.
  uint64_t ObtainableBytesLocked(size_t stride_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HoldsNothingLocked(size_t stride_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t ReserveOfLocked(size_t stride_bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Of the class's free bytes, those beyond its reserve; and of its empty slabs, whole ones beyond.
  uint64_t SpareBytesLocked(const SizeClass& size_class) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint64_t SpareEmptyBytesLocked(const SizeClass& size_class) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status NoRoomLocked(size_t payload_bytes, size_t stride_bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  BlockSlot* Open(std::unique_ptr<Slab> slab) ABSL_LOCKS_EXCLUDED(mutex_);
  void MakeRecords(Slab& slab);
  // Either a fresh slot or a slab to be opened for one, or neither.
  Step NextToPopulateLocked(uint64_t stock_bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SlabShape ShapeFor(size_t stride_bytes) const;
  void GiveBack(std::unique_ptr<Slab> slab) ABSL_LOCKS_EXCLUDED(mutex_);
  SparseMemory::Range RangeOf(const Slab& slab) const;

  // Constant after construction.
  const DramArena::Options options_;
  const uint64_t range_bytes_;
  const std::unique_ptr<SparseMemory> memory_;
  const std::unique_ptr<GenerationTable> slot_generations_;

  BlockScopes scopes_;  // thread-safe
  std::atomic<int64_t> unsealed_bytes_{0};

  mutable Mutex mutex_;
  std::vector<SizeClass> classes_ ABSL_GUARDED_BY(mutex_);  // max_classes
  uint64_t unused_bytes_ ABSL_GUARDED_BY(mutex_);           // of the budget
  struct Reserve {
    size_t stride_bytes = 0;
    uint64_t bytes = 0;
  };
  std::vector<Reserve> reserves_ ABSL_GUARDED_BY(mutex_);   // one for each stride
  size_t wanted_stride_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // asked for last; 0 = nothing yet
  uint64_t populating_bytes_ ABSL_GUARDED_BY(mutex_) = 0;   // of the slot that is held for it
  uint64_t generations_ ABSL_GUARDED_BY(mutex_) = 0;
  // The slab whose pages are being put together, 0 = none; and that slab, if it was to be given
  // back meanwhile: pages that come into being afterwards would be nobody's.
  uint64_t gathering_generation_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Slab> leaving_after_gathering_ ABSL_GUARDED_BY(mutex_);
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t stuck_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
