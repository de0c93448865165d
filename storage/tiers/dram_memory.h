#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"

namespace halflife {

// A memfd that can neither shrink nor grow, and that takes no further seals.
struct SealedFile {
  int memfd = -1;
  // A description of its own that can only be read: neither mmap nor mprotect makes memory of it
  // writable, and no seal or hole can be put in through it. -1 without /proc. The file's mode is 0,
  // so that it cannot be opened anew for writing through /proc/self/fd by another user. (A process
  // of the same user could change the mode; it could as well trace this one.)
  int reader_fd = -1;
};
// Both descriptors are the caller's. Returns: kResourceExhausted if the kernel has no descriptor
// left, or refuses the size.
absl::StatusOr<SealedFile> CreateSealedFile(const char* name, uint64_t size_bytes);

// Sparse shared memory: a memfd whose size is only address space until its pages are written. Knows
// nothing of blocks or budgets. Every method is a system call: never make one with a lock held.
// Thread-safe.
class SparseMemory {
 public:
  // A stretch of the file.
  struct Range {
    uint64_t offset = 0;
    uint64_t size_bytes = 0;
  };

  // `size_bytes` is a multiple of the page size. The file can neither shrink nor grow later, so
  // that no process that maps it can be made to fault. Left out of core dumps. Returns:
  // kResourceExhausted if the kernel has no descriptor or no address space left.
  static absl::StatusOr<std::unique_ptr<SparseMemory>> Create(uint64_t size_bytes, bool huge_pages);
  ~SparseMemory();
  SparseMemory(const SparseMemory&) = delete;
  SparseMemory& operator=(const SparseMemory&) = delete;

  // Asks for huge pages inside `range`, never across its edges: a huge page that stuck out would be
  // memory that nobody has paid for. Where the kernel does not allow them nothing happens.
  void AdviseHugePages(Range range);
  // Lets the pages of `range` come into being, zeroed and mapped, so that the first write to them
  // does not have to wait for it. Slow (2 GB/s and less): for the background. Where the kernel
  // cannot do it beforehand (before Linux 5.14) they are at least taken from the system. Returns
  // false if there is no memory for it.
  bool Populate(Range range);
  // Moves what lies in small pages of `range` into huge ones, inside it as above, while others read
  // and write there: who touches a page that is being moved waits for at most some milliseconds.
  // For a range that is paid for as a whole, since pages that are not there come into being.
  // Where AdviseHugePages is not enough: the system's default for shared memory is "never", which
  // is about what a fault may do, not about what a process asks for. Slow: for the background.
  // Returns false if not all could be moved; see also gathers().
  bool GatherPages(Range range);
  // False where huge pages are switched off, on a machine of several memory nodes (the kernel would
  // move pages that are spread evenly to the first node), and once the kernel has said that it
  // never will (before Linux 6.1, or where the system denies them).
  bool gathers() const { return gathers_.load(std::memory_order_relaxed); }
  // Gives the pages of `range` back to the system; they read as zero afterwards. Returns false if
  // the kernel refused. It does if the file carries F_SEAL_FUTURE_WRITE: a reader's descriptor is
  // made read-only in another way.
  [[nodiscard]] bool Return(Range range);

  uint8_t* base() const { return base_; }
  uint64_t size_bytes() const { return size_bytes_; }
  int memfd() const { return file_.memfd; }
  // See SealedFile.
  int reader_fd() const { return file_.reader_fd; }

 private:
  SparseMemory(const SealedFile& file, uint8_t* base, uint64_t size_bytes, bool huge_pages,
               bool gathers)
      : file_(file),
        base_(base),
        size_bytes_(size_bytes),
        huge_pages_(huge_pages),
        gathers_(gathers) {}

  // Returns 0 or an errno.
  int AdviseInside(Range range, int advice);

  const SealedFile file_;
  uint8_t* const base_;
  const uint64_t size_bytes_;
  const bool huge_pages_;
  std::atomic<bool> gathers_;
};

}  // namespace halflife
