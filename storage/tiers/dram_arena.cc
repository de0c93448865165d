#include "storage/tiers/dram_arena.h"

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/limits.h"
#include "common/status.h"
#include "storage/tiers/dram_arena_core.h"
#include "storage/tiers/dram_slot.h"

namespace halflife {
namespace {

// Half of what x86-64 gives a process. Every class has room for the whole budget in it.
constexpr uint64_t kMaxAddressBytes = uint64_t{1} << 46;
constexpr int kMaxSizeClasses = 1024;

void Unreference(BlockSlot* slot) {
  // The release orders this holder's reads before the reuse of the slot by the thread that sees 1.
  if (slot->references.fetch_sub(1, std::memory_order_acq_rel) == 1) slot->home().arena->Free(slot);
}

}  // namespace

// --- BlockRef

BlockRef::BlockRef(const BlockRef& other) : slot_(other.slot_) {
  // Relaxed: whoever copies holds a reference already, so the slot cannot go away meanwhile.
  if (slot_ != nullptr) slot_->references.fetch_add(1, std::memory_order_relaxed);
}

BlockRef::~BlockRef() {
  if (slot_ != nullptr) Unreference(slot_);
}

BlockHeader BlockRef::header() const { return slot_->home().arena->HeaderOf(*slot_); }

bool BlockRef::Is(const BlockIdentity& identity) const {
  return slot_->home().arena->IsOf(*slot_, identity);
}

const Digest128& BlockRef::checksum() const { return slot_->checksum; }

uint32_t BlockRef::depth() const { return slot_->depth_or_next; }

absl::Span<const uint8_t> BlockRef::payload() const {
  return {slot_->bytes(), slot_->payload_bytes()};
}

size_t BlockRef::arena_bytes() const { return slot_->home().stride_bytes; }

bool BlockRef::unique() const {
  // Acquire: what former holders read is done before the caller acts on being alone.
  return slot_ != nullptr && slot_->references.load(std::memory_order_acquire) == 1;
}

void* BlockRef::Leak() && { return std::exchange(slot_, nullptr); }

BlockRef BlockRef::Adopt(void* leaked) { return BlockRef(static_cast<BlockSlot*>(leaked)); }

// --- BlockBuffer

BlockBuffer::~BlockBuffer() {
  if (slot_ == nullptr) return;
  const SlotHome& home = slot_->home();
  home.arena->CountUnsealed(-static_cast<int64_t>(home.stride_bytes));
  Unreference(slot_);
}

absl::Span<uint8_t> BlockBuffer::bytes() const { return {slot_->bytes(), slot_->payload_bytes()}; }

absl::Span<uint8_t> BlockBuffer::padded_bytes() const {
  return {slot_->bytes(), slot_->home().stride_bytes};
}

BlockRef BlockBuffer::Seal(const BlockHeader& header) && {
  HL_CHECK(slot_ != nullptr && header.payload_bytes == slot_->payload_bytes());
  const SlotHome& home = slot_->home();
  home.arena->Seal(slot_, header);
  home.arena->CountUnsealed(-static_cast<int64_t>(home.stride_bytes));
  return BlockRef(
      std::exchange(slot_, nullptr));  // the buffer's reference becomes the block's first one
}

// --- DramArena::Populating

DramArena::Populating::Populating(Populating&& other) noexcept
    : home_(std::exchange(other.home_, nullptr)),
      index_(other.index_),
      done_bytes_(other.done_bytes_) {}

DramArena::Populating& DramArena::Populating::operator=(Populating&& other) noexcept {
  std::swap(home_, other.home_);
  std::swap(index_, other.index_);
  std::swap(done_bytes_, other.done_bytes_);
  return *this;
}

DramArena::Populating::~Populating() {
  if (home_ != nullptr) home_->arena->ReturnPopulated({home_, index_});
}

uint64_t DramArena::Populating::Step(uint64_t max_bytes) {
  const uint64_t bytes =
      std::min(max_bytes / kArenaPageBytes * kArenaPageBytes, home_->stride_bytes - done_bytes_);
  if (bytes == 0 || !home_->arena->Populate({home_, index_}, done_bytes_, bytes)) return 0;
  done_bytes_ += bytes;
  return bytes;
}

// --- DramArena

absl::Status DramArena::Options::Validate() const {
  if (max_classes < 1 || max_classes > kMaxSizeClasses) {
    return absl::InvalidArgumentError(absl::StrCat("DRAM tier: max_classes is ", max_classes,
                                                   ", allowed are 1 to ", kMaxSizeClasses));
  }
  const uint64_t max_budget_bytes = kMaxAddressBytes / max_classes;
  if (budget_bytes < kMinBlockBytes || budget_bytes > max_budget_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("DRAM tier: budget_bytes is ", budget_bytes, ", allowed are ", kMinBlockBytes,
                     " to ", max_budget_bytes, " with ", max_classes, " size classes"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DramArena>> DramArena::Create(const Options& options) {
  HL_RETURN_IF_ERROR(options.Validate());
  const uint64_t file_bytes = DramArenaCore::RangeBytes(options) * options.max_classes;
  HL_ASSIGN_OR_RETURN(std::unique_ptr<SparseMemory> memory,
                      SparseMemory::Create(file_bytes, options.huge_pages));
  HL_ASSIGN_OR_RETURN(std::unique_ptr<GenerationTable> generations,
                      GenerationTable::Create(options.budget_bytes));
  return std::unique_ptr<DramArena>(new DramArena(
      std::make_unique<DramArenaCore>(options, std::move(memory), std::move(generations))));
}

DramArena::DramArena(std::unique_ptr<DramArenaCore> core) : core_(std::move(core)) {}

DramArena::~DramArena() = default;

absl::StatusOr<BlockBuffer> DramArena::Allocate(size_t payload_bytes) {
  HL_ASSIGN_OR_RETURN(BlockSlot * slot, core_->Allocate(payload_bytes));
  core_->CountUnsealed(static_cast<int64_t>(slot->home().stride_bytes));
  return BlockBuffer(slot);
}

bool DramArena::HasRoom(size_t payload_bytes) const { return FreeBytesFor(payload_bytes) > 0; }

uint64_t DramArena::FreeBytesFor(size_t payload_bytes) const {
  return core_->FreeBytesFor(payload_bytes);
}

void DramArena::SetReserves(absl::Span<const Reserve> reserves) { core_->SetReserves(reserves); }

DramArena::SlabPressure DramArena::MostWastefulSlab(size_t wanted_payload_bytes) const {
  return core_->MostWastefulSlab(wanted_payload_bytes);
}

bool DramArena::InSlab(const BlockRef& block, const SlabPressure& slab) const {
  if (!block || slab.class_index < 0) return false;
  const SlotHome& home = block.slot_->home();
  return home.class_index == slab.class_index && home.slab_index == slab.slab_index &&
         home.generation == slab.generation;
}

void DramArena::RetireSlab(const SlabPressure& slab) { core_->RetireSlab(slab); }

void DramArena::Expect(size_t payload_bytes) { core_->Expect(payload_bytes); }

DramArena::Populating DramArena::TakeToPopulate(uint64_t stock_bytes) {
  const FreshSlot slot = core_->TakeToPopulate(stock_bytes);
  return Populating(slot.home, slot.index);
}

uint64_t DramArena::GatherPages() { return core_->GatherPages(); }

DramArena::Stats DramArena::stats() const { return core_->stats(); }

uint64_t DramArena::unsealed_bytes() const { return core_->unsealed_bytes(); }

ArenaShare DramArena::share() const {
  return {.arena_fd = core_->memory().reader_fd(),
          .arena_bytes = core_->memory().size_bytes(),
          .generations_fd = core_->generations().reader_fd(),
          .generation_words = core_->generations().word_count()};
}

uint64_t DramArena::GenerationOf(const BlockRef& block) const {
  return core_->generations().Of(OffsetOf(block));
}

int DramArena::memfd() const { return core_->memory().memfd(); }

uint64_t DramArena::OffsetOf(const BlockRef& block) const {
  return static_cast<uint64_t>(block.payload().data() - core_->memory().base());
}

}  // namespace halflife
