#include "storage/tiers/dram_size_class.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/check.h"

namespace halflife {
namespace {

constexpr uint64_t kUsualSlabBytes = uint64_t{8} << 20;

}  // namespace

void IndexSet::Reset(uint32_t limit, bool full) {
  words_.assign((limit + 63) / 64, 0);
  if (!full) return;
  for (uint32_t index = 0; index < limit; ++index) Insert(index);
}

std::optional<uint32_t> IndexSet::First() const {
  for (size_t word = 0; word < words_.size(); ++word) {
    if (words_[word] != 0) return static_cast<uint32_t>(word * 64 + std::countr_zero(words_[word]));
  }
  return std::nullopt;
}

SlabShape SlabShape::For(size_t stride_bytes, uint64_t budget_bytes, uint64_t range_bytes,
                         bool keep_all) {
  const uint64_t target_bytes =
      std::max(std::min(kUsualSlabBytes, budget_bytes / 64), budget_bytes / 4096);
  const uint64_t slots_in_range = range_bytes / stride_bytes;
  SlabShape shape;
  shape.stride_bytes = stride_bytes;
  shape.slots_per_slab = static_cast<uint32_t>(
      std::clamp<uint64_t>(target_bytes / stride_bytes, 1,
                           std::min<uint64_t>(slots_in_range, BlockSlot::kMaxSlotsPerSlab)));
  shape.slab_limit =
      static_cast<uint32_t>((slots_in_range + shape.slots_per_slab - 1) / shape.slots_per_slab);
  shape.empty_limit = static_cast<uint32_t>(
      std::max<uint64_t>(1, budget_bytes / 16 / std::max(kUsualSlabBytes, shape.slab_bytes())));
  if (keep_all) shape.empty_limit = shape.slab_limit;
  shape.slots_in_last =
      static_cast<uint32_t>(slots_in_range - uint64_t{shape.slab_limit - 1} * shape.slots_per_slab);
  return shape;
}

void SizeClass::Reset(const SlabShape& shape) {
  HL_CHECK(slab_count_ == 0 && used_slots_ == 0 && free_slots_ == 0 && fresh_slots_ == 0);
  shape_ = shape;
  slabs_.clear();
  slabs_.resize(shape.slab_limit);
  absent_.Reset(shape.slab_limit, true);
  with_free_.Reset(shape.slab_limit, false);
  with_fresh_.Reset(shape.slab_limit, false);
  short_.Reset(shape.slab_limit, false);
  empty_.Reset(shape.slab_limit, false);
  to_gather_.Reset(shape.slab_limit, false);
}

BlockSlot* SizeClass::TakeSlot() {
  const std::optional<uint32_t> index = with_free_.First();
  return index ? TakeSlotOf(*slabs_[*index]) : nullptr;
}

BlockSlot* SizeClass::TakeSlotOf(Slab& slab) {
  Use(slab);
  if (slab.free_head != 0) {
    BlockSlot& slot = slab.records[slab.free_head - 1];
    slab.free_head = slot.depth_or_next;
    return &slot;
  }
  HL_CHECK(slab.fresh < slab.slot_count);
  if (slab.fresh == slab.populated) CountPopulated(slab);
  return &slab.records.Make(slab.fresh++);
}

FreshSlot SizeClass::HoldFresh() {
  const std::optional<uint32_t> index = with_fresh_.First();
  if (!index || free_slots_ < 2) return {};
  return HoldFreshOf(*slabs_[*index]);
}

FreshSlot SizeClass::HoldFreshOf(Slab& slab) {
  Use(slab);
  const FreshSlot slot = {&slab.home, slab.populated};
  CountPopulated(slab);
  return slot;
}

void SizeClass::CountPopulated(Slab& slab) {
  ++slab.populated;
  --fresh_slots_;
  if (slab.populated == slab.slot_count) with_fresh_.Erase(slab.home.slab_index);
  if (slab.populated == slab.capacity) to_gather_.Insert(slab.home.slab_index);
}

void SizeClass::Use(Slab& slab) {
  UseEmpty(slab.home.slab_index);
  ++slab.used;
  ++used_slots_;
  --free_slots_;
  if (slab.free_count() == 0) with_free_.Erase(slab.home.slab_index);
}

std::unique_ptr<Slab> SizeClass::ReturnSlot(BlockSlot* slot) {
  Slab& slab = *slabs_[slot->home().slab_index];
  slot->depth_or_next = slab.free_head;
  slab.free_head = slot->index + 1;
  return Unuse(slab);
}

std::unique_ptr<Slab> SizeClass::Unuse(Slab& slab) {
  const uint32_t index = slab.home.slab_index;
  HL_CHECK(slab.used > 0);
  --slab.used;
  --used_slots_;
  if (!slab.retired) {
    ++free_slots_;
    with_free_.Insert(index);
  }
  if (slab.used > 0) return nullptr;
  if (slab.retired || empty_count_ >= shape_.empty_limit) return TakeOut(index);
  KeepEmpty(index);
  return nullptr;
}

std::optional<uint32_t> SizeClass::Reserve() {
  const std::optional<uint32_t> index = absent_.First();
  if (!index) return std::nullopt;
  absent_.Erase(*index);
  ++slab_count_;
  return index;
}

BlockSlot* SizeClass::Publish(std::unique_ptr<Slab> slab) {
  Slab& added = *slab;
  Add(std::move(slab));
  return TakeSlotOf(added);
}

FreshSlot SizeClass::PublishToPopulate(std::unique_ptr<Slab> slab) {
  Slab& added = *slab;
  Add(std::move(slab));
  return HoldFreshOf(added);
}

void SizeClass::Add(std::unique_ptr<Slab> slab) {
  const uint32_t index = slab->home.slab_index;
  HL_CHECK(slabs_[index] == nullptr && slab->slot_count > 0 && slab->used == 0);
  free_slots_ += slab->slot_count;
  fresh_slots_ += slab->slot_count;
  with_free_.Insert(index);
  with_fresh_.Insert(index);
  if (slab->slot_count < slab->capacity) short_.Insert(index);
  slabs_[index] = std::move(slab);
}

void SizeClass::Forget(uint32_t slab_index) {
  HL_CHECK(slabs_[slab_index] == nullptr && slab_count_ > 0);
  absent_.Insert(slab_index);
  --slab_count_;
}

uint32_t SizeClass::Extend(uint64_t slot_limit) {
  const std::optional<uint32_t> index = short_.First();
  if (!index) return 0;
  Slab& slab = *slabs_[*index];
  const uint32_t added =
      static_cast<uint32_t>(std::min<uint64_t>(slab.capacity - slab.slot_count, slot_limit));
  if (added == 0) return 0;
  const bool kept = empty_.Contains(*index);
  UseEmpty(*index);
  slab.slot_count += added;
  if (kept) KeepEmpty(*index);
  free_slots_ += added;
  fresh_slots_ += added;
  with_free_.Insert(*index);
  with_fresh_.Insert(*index);
  if (slab.slot_count == slab.capacity) short_.Erase(*index);
  return added;
}

std::unique_ptr<Slab> SizeClass::TakeEmpty() {
  const std::optional<uint32_t> index = empty_.First();
  return index ? TakeOut(*index) : nullptr;
}

void SizeClass::KeepEmpty(uint32_t slab_index) {
  empty_.Insert(slab_index);
  ++empty_count_;
  empty_bytes_ += slabs_[slab_index]->size_bytes();
}

void SizeClass::UseEmpty(uint32_t slab_index) {
  if (!empty_.Contains(slab_index)) return;
  empty_.Erase(slab_index);
  --empty_count_;
  empty_bytes_ -= slabs_[slab_index]->size_bytes();
}

std::unique_ptr<Slab> SizeClass::Retire(uint32_t slab_index, uint64_t generation) {
  if (slab_index >= slabs_.size() || slabs_[slab_index] == nullptr) return nullptr;
  Slab& slab = *slabs_[slab_index];
  if (slab.home.generation != generation || slab.retired) return nullptr;
  if (slab.used == 0) return TakeOut(slab_index);
  slab.retired = true;
  free_slots_ -= slab.free_count();
  fresh_slots_ -= slab.slot_count - slab.populated;
  with_free_.Erase(slab_index);
  with_fresh_.Erase(slab_index);
  short_.Erase(slab_index);
  return nullptr;
}

const Slab* SizeClass::NextToGather() {
  const std::optional<uint32_t> index = to_gather_.First();
  if (!index) return nullptr;
  to_gather_.Erase(*index);
  return slabs_[*index].get();
}

const Slab* SizeClass::LeastUsed() const {
  const Slab* least = nullptr;
  for (const std::unique_ptr<Slab>& slab : slabs_) {
    if (slab == nullptr || slab->retired) continue;
    if (least == nullptr || slab->used <= least->used) least = slab.get();
  }
  return least;
}

std::unique_ptr<Slab> SizeClass::TakeOut(uint32_t slab_index) {
  UseEmpty(slab_index);
  std::unique_ptr<Slab> slab = std::move(slabs_[slab_index]);
  HL_CHECK(slab->used == 0);
  if (!slab->retired) {
    free_slots_ -= slab->slot_count;
    fresh_slots_ -= slab->slot_count - slab->populated;
  }
  with_free_.Erase(slab_index);
  with_fresh_.Erase(slab_index);
  short_.Erase(slab_index);
  to_gather_.Erase(slab_index);
  return slab;
}

}  // namespace halflife
