#include "storage/tiers/dram_arena_core.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "common/limits.h"
#include "common/status.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HL_ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HL_ARENA_POISON 1
#endif
#if defined(HL_ARENA_POISON)
#include <sanitizer/asan_interface.h>
#endif

namespace halflife {
namespace {

constexpr int kMaxTurns = 8192;
constexpr uint64_t kRangeAlignmentBytes = uint64_t{2} << 20;

uint64_t RoundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// In the address-sanitizer build a free slot cannot be touched: use after the last reference is
// caught at once.
void Poison([[maybe_unused]] const void* begin, [[maybe_unused]] size_t size_bytes) {
#if defined(HL_ARENA_POISON)
  ASAN_POISON_MEMORY_REGION(begin, size_bytes);
#endif
}

void Unpoison([[maybe_unused]] const void* begin, [[maybe_unused]] size_t size_bytes) {
#if defined(HL_ARENA_POISON)
  ASAN_UNPOISON_MEMORY_REGION(begin, size_bytes);
#endif
}

}  // namespace

DramArenaCore::DramArenaCore(const DramArena::Options& options,
                             std::unique_ptr<SparseMemory> memory,
                             std::unique_ptr<GenerationTable> generations)
    : options_(options),
      range_bytes_(RangeBytes(options)),
      memory_(std::move(memory)),
      slot_generations_(std::move(generations)),
      classes_(options.max_classes),
      unused_bytes_(options.budget_bytes) {}

DramArenaCore::~DramArenaCore() {
  for (const SizeClass& size_class : classes_) HL_CHECK(size_class.used_slots() == 0);
  // The next mapping at this address must not inherit the marks.
  for (SizeClass& size_class : classes_) {
    while (std::unique_ptr<Slab> slab = size_class.TakeEmpty()) {
      Unpoison(slab->home.base, uint64_t{slab->capacity} * slab->home.stride_bytes);
    }
  }
  // Processes that still map the file would keep its pages: readers are told, then the pages go.
  // If the kernel refuses, they go with the last mapping.
  slot_generations_->End();
  static_cast<void>(memory_->Return({0, memory_->size_bytes()}));
}

uint64_t DramArenaCore::RangeBytes(const DramArena::Options& options) {
  return RoundUp(options.budget_bytes, kRangeAlignmentBytes);
}

absl::StatusOr<BlockSlot*> DramArenaCore::Allocate(size_t payload_bytes) {
  if (payload_bytes == 0 || payload_bytes > kMaxBlockBytes) {
    return absl::InvalidArgumentError(absl::StrCat("DRAM tier: a block of ", payload_bytes,
                                                   " bytes, allowed are 1 to ", kMaxBlockBytes));
  }
  const size_t stride_bytes = StrideOf(payload_bytes);
  BlockSlot* slot = nullptr;
  // Each turn but the last gives back one empty slab, of which there are fewer than this; the bound
  // only matters if other threads take the memory away each time.
  for (int turn = 0; slot == nullptr; ++turn) {
    Step step;
    {
      MutexLock lock(mutex_);
      wanted_stride_bytes_ = stride_bytes;
      if (turn <= kMaxTurns) step = NextStepLocked(stride_bytes);
      if (step.slot == nullptr && step.opening == nullptr && step.leaving == nullptr) {
        ++refused_;
        return NoRoomLocked(payload_bytes, stride_bytes);
      }
    }
    slot = step.opening != nullptr ? Open(std::move(step.opening)) : step.slot;
    if (step.leaving != nullptr) GiveBack(std::move(step.leaving));
  }
  Unpoison(slot->bytes(), stride_bytes);
  slot->padding_bytes = static_cast<uint32_t>(stride_bytes - payload_bytes);
  slot->scope = 0;
  // The payload is overwritten before it can be sealed. Its tail is not, and would carry another
  // block's bytes to the disk and to whoever maps the arena.
  std::memset(slot->bytes() + payload_bytes, 0, stride_bytes - payload_bytes);
  slot->references.store(1, std::memory_order_relaxed);
  return slot;
}

void DramArenaCore::Seal(BlockSlot* slot, const BlockHeader& header) {
  slot->scope = scopes_.Acquire(BlockScope::Of(header.identity));
  slot->depth_or_next = header.depth;
  slot->hash = header.identity.hash;
  slot->checksum = header.checksum;
}

BlockHeader DramArenaCore::HeaderOf(const BlockSlot& slot) const {
  BlockHeader header;
  header.identity = scopes_[slot.scope].With(slot.hash);
  header.payload_bytes = slot.payload_bytes();
  header.checksum = slot.checksum;
  header.depth = slot.depth_or_next;
  return header;
}

void DramArenaCore::Free(BlockSlot* slot) {
  const SlotHome home = slot->home();
  if (slot->scope != 0) scopes_.Release(slot->scope);
  // Readers in other processes may still be at it, past their lease: they must find out.
  slot_generations_->Bump(static_cast<uint64_t>(slot->bytes() - memory_->base()));
  Poison(slot->bytes(), home.stride_bytes);
  std::unique_ptr<Slab> leaving;
  {
    MutexLock lock(mutex_);
    leaving = classes_[home.class_index].ReturnSlot(slot);
  }
  if (leaving != nullptr) GiveBack(std::move(leaving));
}

DramArena::SlabPressure DramArenaCore::MostWastefulSlab(size_t wanted_payload_bytes) const {
  const size_t wanted_stride_bytes = StrideOf(wanted_payload_bytes);
  DramArena::SlabPressure worst;
  uint64_t most_bytes = 0;
  MutexLock lock(mutex_);
  for (size_t index = 0; index < classes_.size(); ++index) {
    const SizeClass& size_class = classes_[index];
    const uint64_t stride_bytes = size_class.shape().stride_bytes;
    if (size_class.idle() || stride_bytes == wanted_stride_bytes) continue;
    const uint64_t spare_bytes = SpareBytesLocked(size_class);
    if (spare_bytes < size_class.shape().slab_bytes() || spare_bytes <= most_bytes) continue;
    most_bytes = spare_bytes;
    worst.class_index = static_cast<int>(index);
    worst.block_bytes = stride_bytes;
    worst.free_bytes = size_class.free_bytes();
  }
  if (worst.class_index < 0) return worst;
  const Slab* slab = classes_[worst.class_index].LeastUsed();
  worst.slab_index = slab->home.slab_index;
  worst.generation = slab->home.generation;
  worst.blocks_in_use = slab->used;
  return worst;
}

void DramArenaCore::RetireSlab(const DramArena::SlabPressure& slab) {
  if (slab.class_index < 0 || slab.class_index >= options_.max_classes) return;
  std::unique_ptr<Slab> leaving;
  {
    MutexLock lock(mutex_);
    leaving =
        classes_[slab.class_index].Retire(static_cast<uint32_t>(slab.slab_index), slab.generation);
  }
  if (leaving != nullptr) GiveBack(std::move(leaving));
}

DramArena::Stats DramArenaCore::stats() const {
  DramArena::Stats stats;
  stats.budget_bytes = options_.budget_bytes;
  MutexLock lock(mutex_);
  stats.slab_bytes = options_.budget_bytes - unused_bytes_;
  stats.slabs_taken = generations_;
  stats.refused = refused_;
  stats.stuck_bytes = stuck_bytes_;
  for (const SizeClass& size_class : classes_) {
    stats.allocated_bytes += size_class.used_slots() * size_class.shape().stride_bytes;
    stats.allocated_blocks += size_class.used_slots();
    stats.slabs += size_class.slab_count();
    stats.classes += size_class.idle() ? 0 : 1;
    stats.fresh_bytes += size_class.fresh_slots() * size_class.shape().stride_bytes;
  }
  stats.allocated_bytes -= populating_bytes_;
  if (populating_bytes_ > 0) --stats.allocated_blocks;
  return stats;
}

SlabShape DramArenaCore::ShapeFor(size_t stride_bytes) const {
  return SlabShape::For(stride_bytes, options_.budget_bytes, range_bytes_, options_.keep_all);
}

// --- Populating

void DramArenaCore::Expect(size_t payload_bytes) {
  if (payload_bytes == 0 || payload_bytes > kMaxBlockBytes) return;
  MutexLock lock(mutex_);
  wanted_stride_bytes_ = StrideOf(payload_bytes);
}

FreshSlot DramArenaCore::TakeToPopulate(uint64_t stock_bytes) {
  Step step;
  {
    MutexLock lock(mutex_);
    if (populating_bytes_ > 0) return {};
    step = NextToPopulateLocked(stock_bytes);
    if (step.fresh) populating_bytes_ = wanted_stride_bytes_;
  }
  if (step.opening == nullptr) return step.fresh;
  MakeRecords(*step.opening);
  const SlotHome home = step.opening->home;
  MutexLock lock(mutex_);
  populating_bytes_ = home.stride_bytes;
  return classes_[home.class_index].PublishToPopulate(std::move(step.opening));
}

DramArenaCore::Step DramArenaCore::NextToPopulateLocked(uint64_t stock_bytes) {
  Step step;
  const size_t stride_bytes = wanted_stride_bytes_;
  if (stride_bytes == 0) return step;
  int index = FindClassLocked(stride_bytes);
  if (index >= 0) {
    SizeClass& size_class = classes_[index];
    const uint64_t populated_bytes =
        (size_class.free_slots() - size_class.fresh_slots()) * stride_bytes;
    if (populated_bytes + stride_bytes > stock_bytes) return step;
    step.fresh = size_class.HoldFresh();
    if (step.fresh) return step;
    if (!size_class.idle() && !size_class.keeps_another_empty()) return step;
  } else {
    if (stride_bytes > stock_bytes) return step;
    index = FindIdleClassLocked();
    if (index < 0) return step;
  }
  // Twice, so that somebody else who comes with another size finds room at once.
  const SlabShape shape = ShapeFor(stride_bytes);
  if (unused_bytes_ < 2 * shape.slab_bytes()) return step;
  if (classes_[index].idle()) classes_[index].Reset(shape);
  step.opening = ReserveLocked(index, unused_bytes_);
  return step;
}

void DramArenaCore::ReturnPopulated(const FreshSlot& slot) {
  std::unique_ptr<Slab> leaving;
  {
    MutexLock lock(mutex_);
    leaving = classes_[slot.home->class_index].ReturnHold(slot.home->slab_index);
    populating_bytes_ = 0;
  }
  if (leaving != nullptr) GiveBack(std::move(leaving));
}

bool DramArenaCore::Populate(const FreshSlot& slot, uint64_t offset, uint64_t size_bytes) const {
  const auto slab_begin = static_cast<uint64_t>(slot.home->base - memory_->base());
  return memory_->Populate(
      {slab_begin + slot.index * slot.home->stride_bytes + offset, size_bytes});
}

uint64_t DramArenaCore::GatherPages() {
  if (!memory_->gathers()) return 0;
  SparseMemory::Range range;
  {
    MutexLock lock(mutex_);
    const Slab* slab = nullptr;
    for (size_t index = 0; slab == nullptr && index < classes_.size(); ++index) {
      slab = classes_[index].NextToGather();
    }
    if (slab == nullptr) return 0;
    gathering_generation_ = slab->home.generation;
    range = RangeOf(*slab);
  }
  // One try: what is busy, or finds no memory, stays as it is.
  static_cast<void>(memory_->GatherPages(range));
  std::unique_ptr<Slab> leaving;
  {
    MutexLock lock(mutex_);
    gathering_generation_ = 0;
    leaving = std::move(leaving_after_gathering_);
  }
  if (leaving != nullptr) GiveBack(std::move(leaving));
  return range.size_bytes;
}

DramArenaCore::Step DramArenaCore::NextStepLocked(size_t stride_bytes) {
  Step step;
  int index = FindClassLocked(stride_bytes);
  if (index >= 0) {
    SizeClass& size_class = classes_[index];
    step.slot = size_class.TakeSlot();
    if (step.slot != nullptr) return step;
  }
  const uint64_t obtainable_bytes = ObtainableBytesLocked(stride_bytes);
  // Less than a block even with all of them: then they stay where they are.
  if (obtainable_bytes < stride_bytes) return step;
  const uint64_t limit_bytes = std::min(unused_bytes_, obtainable_bytes);
  if (index >= 0) {
    SizeClass& size_class = classes_[index];
    const uint32_t added = size_class.Extend(limit_bytes / stride_bytes);
    if (added > 0) {
      unused_bytes_ -= uint64_t{added} * stride_bytes;
      step.slot = size_class.TakeSlot();
      return step;
    }
  }
  if (limit_bytes < stride_bytes) {
    step.leaving = TakeEmptyLocked(From::kThoseWithMoreThanTheirReserve);
    if (step.leaving == nullptr && HoldsNothingLocked(stride_bytes)) {
      step.leaving = TakeEmptyLocked(From::kAny);
    }
    return step;
  }
  if (index < 0) {
    index = FindIdleClassLocked();
    if (index < 0) {
      step.leaving = TakeEmptyLocked(From::kThoseThatAreIdleThen);
      return step;
    }
    classes_[index].Reset(ShapeFor(stride_bytes));
  }
  step.opening = ReserveLocked(index, limit_bytes);
  return step;
}

std::unique_ptr<Slab> DramArenaCore::ReserveLocked(int class_index, uint64_t limit_bytes) {
  SizeClass& size_class = classes_[class_index];
  const SlabShape& shape = size_class.shape();
  const std::optional<uint32_t> slab_index = size_class.Reserve();
  if (!slab_index) return nullptr;
  auto slab = std::make_unique<Slab>();
  slab->home = {.arena = this,
                .base = memory_->base() + uint64_t(class_index) * range_bytes_ +
                        *slab_index * shape.slab_bytes(),
                .class_index = class_index,
                .slab_index = *slab_index,
                .generation = ++generations_,
                .stride_bytes = shape.stride_bytes};
  slab->capacity = shape.CapacityOf(*slab_index);
  slab->slot_count =
      static_cast<uint32_t>(std::min<uint64_t>(slab->capacity, limit_bytes / shape.stride_bytes));
  unused_bytes_ -= slab->size_bytes();
  return slab;
}

int DramArenaCore::FindClassLocked(size_t stride_bytes) const {
  for (size_t index = 0; index < classes_.size(); ++index) {
    if (classes_[index].shape().stride_bytes == stride_bytes) return static_cast<int>(index);
  }
  return -1;
}

int DramArenaCore::FindIdleClassLocked() const {
  for (size_t index = 0; index < classes_.size(); ++index) {
    if (classes_[index].idle()) return static_cast<int>(index);
  }
  return -1;
}

std::unique_ptr<Slab> DramArenaCore::TakeEmptyLocked(From from) {
  for (SizeClass& size_class : classes_) {
    if (from == From::kThoseThatAreIdleThen && !size_class.only_empty()) continue;
    if (from == From::kThoseWithMoreThanTheirReserve && SpareEmptyBytesLocked(size_class) == 0) {
      continue;
    }
    if (std::unique_ptr<Slab> slab = size_class.TakeEmpty()) return slab;
  }
  return nullptr;
}

absl::Status DramArenaCore::NoRoomLocked(size_t payload_bytes, size_t stride_bytes) const {
  if (FindClassLocked(stride_bytes) < 0 && FindIdleClassLocked() < 0) {
    return absl::ResourceExhaustedError(absl::StrCat("DRAM tier: ", payload_bytes,
                                                     " bytes wanted, all ", options_.max_classes,
                                                     " size classes in use"));
  }
  return absl::ResourceExhaustedError(absl::StrCat("DRAM tier: ", payload_bytes, " bytes wanted, ",
                                                   options_.budget_bytes - unused_bytes_, " of ",
                                                   options_.budget_bytes, " in use"));
}

BlockSlot* DramArenaCore::Open(std::unique_ptr<Slab> slab) {
  MakeRecords(*slab);
  const int class_index = slab->home.class_index;
  MutexLock lock(mutex_);
  return classes_[class_index].Publish(std::move(slab));
}

void DramArenaCore::MakeRecords(Slab& slab) {
  slab.records = SlotRecords(slab.home, slab.capacity);
  Poison(slab.home.base, uint64_t{slab.capacity} * slab.home.stride_bytes);
  // A short slab's tail is not paid for: it does without.
  if (slab.slot_count == slab.capacity) memory_->AdviseHugePages(RangeOf(slab));
}

void DramArenaCore::GiveBack(std::unique_ptr<Slab> slab) {
  {
    MutexLock lock(mutex_);
    if (slab->home.generation == gathering_generation_) {
      leaving_after_gathering_ = std::move(slab);
      return;
    }
  }
  const SlotHome home = slab->home;
  const uint64_t size_bytes = slab->size_bytes();
  Unpoison(slab->home.base, uint64_t{slab->capacity} * home.stride_bytes);
  const bool returned = memory_->Return(RangeOf(*slab));
  slab.reset();
  MutexLock lock(mutex_);
  if (!returned) {
    // Its pages may still be there. Counting them as used keeps the promise of the budget; nobody
    // gets the place.
    stuck_bytes_ += size_bytes;
    return;
  }
  unused_bytes_ += size_bytes;
  classes_[home.class_index].Forget(home.slab_index);
}

SparseMemory::Range DramArenaCore::RangeOf(const Slab& slab) const {
  return {static_cast<uint64_t>(slab.home.base - memory_->base()), slab.size_bytes()};
}

}  // namespace halflife
