#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/block_header.h"

namespace halflife {

class DramArena;
class DramArenaCore;
struct BlockSlot;  // control record of one arena slot; dram_slot.h
struct SlotHome;   // where the slots of its slab lie

// An immutable block in the arena. Copies share it; holding one is a pin: the bytes stay and do not
// change until the last copy is gone. Cheap to copy (one relaxed increment). Must not outlive its
// arena.
class BlockRef {
 public:
  BlockRef() = default;
  BlockRef(const BlockRef& other);
  BlockRef(BlockRef&& other) noexcept : slot_(other.slot_) { other.slot_ = nullptr; }
  BlockRef& operator=(BlockRef other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~BlockRef();

  explicit operator bool() const { return slot_ != nullptr; }
  BlockHeader header() const;
  // What it says in its header, one by one, without making all of it.
  bool Is(const BlockIdentity& identity) const;
  const Digest128& checksum() const;
  uint32_t depth() const;
  // header().payload_bytes bytes, opaque, 4 KiB aligned.
  absl::Span<const uint8_t> payload() const;
  // Arena bytes the block occupies: payload rounded up to a page.
  size_t arena_bytes() const;
  // True while this is the only reference. Only meaningful to the index's owner of the last
  // reference.
  bool unique() const;
  // Releases this reference into a raw pointer and back, for C callbacks (gRPC slices). Each Leak
  // needs one Adopt.
  void* Leak() &&;
  static BlockRef Adopt(void* leaked);

 private:
  friend class BlockBuffer;
  friend class DramArena;
  explicit BlockRef(BlockSlot* slot) : slot_(slot) {}
  BlockSlot* slot_ = nullptr;
};

// A private writable block in the arena. Freed if it is destroyed unsealed. Move-only; one thread
// at a time.
class BlockBuffer {
 public:
  BlockBuffer() = default;
  BlockBuffer(BlockBuffer&& other) noexcept : slot_(other.slot_) { other.slot_ = nullptr; }
  BlockBuffer& operator=(BlockBuffer&& other) noexcept {
    std::swap(slot_, other.slot_);
    return *this;
  }
  ~BlockBuffer();

  explicit operator bool() const { return slot_ != nullptr; }
  // Exactly the bytes asked for; page aligned, with room up to the next page boundary for direct
  // I/O.
  absl::Span<uint8_t> bytes() const;
  // The buffer rounded up to 4 KiB, for direct I/O.
  absl::Span<uint8_t> padded_bytes() const;

  // Makes it immutable. The caller has verified header.checksum over bytes(). Requires
  // header.payload_bytes == bytes().size().
  BlockRef Seal(const BlockHeader& header) &&;

 private:
  friend class DramArena;
  explicit BlockBuffer(BlockSlot* slot) : slot_(slot) {}
  BlockSlot* slot_ = nullptr;
};

// Read-only descriptions of the arena and of its generations, for other processes to map. Borrowed
// from the arena. A descriptor of -1: this system cannot share it.
struct ArenaShare {
  int arena_fd = -1;
  uint64_t arena_bytes = 0;
  int generations_fd = -1;
  uint64_t generation_words = 0;

  bool possible() const { return arena_fd >= 0 && generations_fd >= 0; }
};

// The DRAM tier's memory: one sparse memfd, cut into size classes of the namespaces' exact block
// sizes (rounded up to 4 KiB). It is a budget, not a map: BlockIndex holds the references. A slab
// that runs empty gives its pages back to the budget (hole punching), so another class can use
// them; there is no external fragmentation because every class has its own range of the file.
// Thread-safe; no allocation on the hit path (ref, unref).
class DramArena {
 public:
  struct Options {
    uint64_t budget_bytes = uint64_t{1}
                            << 30;  // page-rounded bytes of all slabs in use never exceed this
    bool huge_pages = true;         // where the kernel allows them; silently without
    int max_classes = 64;           // distinct block sizes at one time
    bool keep_all = false;          // memory stays with its size class until another one wants it

    absl::Status Validate() const;
  };

  struct Stats {
    uint64_t budget_bytes = 0;
    uint64_t slab_bytes = 0;       // taken from the budget
    uint64_t allocated_bytes = 0;  // of slots in use (buffers, blocks and pinned leftovers)
    uint64_t allocated_blocks = 0;
    uint64_t slabs = 0;
    uint64_t slabs_taken = 0;  // since it was made: each by one size, from the budget
    uint64_t refused = 0;      // Allocate calls that found no room
    int classes = 0;           // block sizes that hold memory
    uint64_t fresh_bytes = 0;  // of slab_bytes: never used since they were taken
    uint64_t stuck_bytes =
        0;  // of slab_bytes: what the kernel refused to take back; lost to the budget
  };

  // Returns: kInvalidArgument on bad options, kResourceExhausted if the address space cannot be
  // reserved.
  static absl::StatusOr<std::unique_ptr<DramArena>> Create(const Options& options);
  ~DramArena();  // every BlockRef and BlockBuffer must be gone

  // Returns: kResourceExhausted ("DRAM tier: N bytes wanted, U of B in use") if neither a free slot
  // of the class nor budget for a new slab is there, or if max_classes other block sizes hold
  // memory, or if the rest is reserved for others; kInvalidArgument for 0 bytes or more than
  // kMaxBlockBytes. A refusal means "not now":
  // under concurrency it may come a moment before another thread's returned memory is counted.
  absl::StatusOr<BlockBuffer> Allocate(size_t payload_bytes);

  // Could Allocate(payload_bytes) succeed now? A hint for watermarks.
  bool HasRoom(size_t payload_bytes) const;
  // Bytes Allocate could still hand out for this size: free slots of its class, unused budget and
  // empty slabs of others, but for the reserves of other sizes.
  uint64_t FreeBytesFor(size_t payload_bytes) const;

  // What is to stay free for blocks of a size for as long as they come and go. Other sizes leave it
  // so much: of its own free memory, and where that is less, of the budget that nobody has taken.
  // What it has beyond that, whole empty slabs, is for everybody. A size without any memory gets
  // its first slab all the same.
  struct Reserve {
    size_t payload_bytes = 0;
    uint64_t bytes = 0;
  };
  // Instead of those before. At first there are none.
  void SetReserves(absl::Span<const Reserve> reserves);

  // A slab whose blocks would have to go so that another class can have its memory: of the class
  // with the most free slots beyond its reserve, the slab with the fewest used slots. The caller
  // moves or evicts `blocks_in_use` blocks.
  struct SlabPressure {
    int class_index = -1;
    uint64_t slab_index = 0;
    size_t block_bytes = 0;   // of that class
    uint64_t free_bytes = 0;  // free slots of that class
    uint64_t blocks_in_use = 0;
    uint64_t generation = 0;  // of the slab, so that a stale answer names nothing
  };
  // Returns class_index = -1 if no other class has a whole slab's worth of free slots to spare.
  SlabPressure MostWastefulSlab(size_t wanted_payload_bytes) const;
  // Is this block in that slab? And: stop allocating from it, so that it runs empty and its memory
  // returns to the budget with its last block. Does nothing if the slab is gone already.
  bool InSlab(const BlockRef& block, const SlabPressure& slab) const;
  void RetireSlab(const SlabPressure& slab);

  // Blocks of this size are about to come: what is populated ahead will be for them. The same holds
  // for the size that was allocated last.
  void Expect(size_t payload_bytes);

  // A slot that nobody has had yet, for as long as its pages are brought into being: its memory
  // stays with its size class until the end of this object. At most one at a time. Not thread-safe.
  // Must not outlive its arena.
  class Populating {
   public:
    Populating() = default;
    Populating(Populating&& other) noexcept;
    Populating& operator=(Populating&& other) noexcept;
    ~Populating();

    explicit operator bool() const { return home_ != nullptr; }
    // At most `max_bytes` further ones [system call, 1 us per page and more]. Returns how many; 0
    // once all are there, or if there is no memory for them.
    uint64_t Step(uint64_t max_bytes);

   private:
    friend class DramArena;
    Populating(const SlotHome* home, uint32_t index) : home_(home), index_(index) {}
    const SlotHome* home_ = nullptr;
    uint32_t index_ = 0;  // of the slot in its slab
    uint64_t done_bytes_ = 0;
  };
  // Null if `stock_bytes` of populated free memory are there for the size that is expected, or the
  // rest of the budget is needed otherwise, or another one is under way.
  Populating TakeToPopulate(uint64_t stock_bytes);

  // Moves the pages of one slab, if each of its slots has been used, into huge ones: direct I/O
  // from and to them costs a third of the processor time, and the device gets fewer pieces
  // (bench/README.md). Blocks may be read and written meanwhile. Returns how many bytes it was
  // about, 0 if no slab is left. Each has one try. One thread at a time [slow system call].
  uint64_t GatherPages();

  Stats stats() const;
  // Of allocated_bytes: what lies in buffers that are not sealed yet. Exact at once when a buffer
  // is sealed or freed.
  uint64_t unsealed_bytes() const;
  // For the shared-memory path: what readers get, where a block lies in it, and the generation that
  // a reader of the block must find unchanged when it has read (common/generation_words.h).
  ArenaShare share() const;
  uint64_t OffsetOf(const BlockRef& block) const;
  uint64_t GenerationOf(const BlockRef& block) const;
  int memfd() const;

 private:
  explicit DramArena(std::unique_ptr<DramArenaCore> core);
  const std::unique_ptr<DramArenaCore> core_;
};

}  // namespace halflife
