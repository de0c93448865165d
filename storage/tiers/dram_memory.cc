#include "storage/tiers/dram_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include "common/status.h"

namespace halflife {
namespace {

constexpr uint64_t kHugePageBytes = uint64_t{2} << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, which Debian's headers do not have
// Nodes that a mask of the kernel's interface has room for here.
constexpr unsigned long kMaxNodes = 1024;
constexpr int kInterleave = 3;   // MPOL_INTERLEAVE
constexpr int kMemsAllowed = 4;  // MPOL_F_MEMS_ALLOWED

// On a machine of several memory nodes: page by page in turn, whoever touches them first. Blocks
// are written and read by threads of all nodes, and a background that populates them all from one
// node would fill that node. System calls, not libnuma: they are two. A container's profile may
// forbid them; then pages lie where they are first touched.
// Returns whether there are several.
bool SpreadOverNodes(void* base, uint64_t size_bytes) {
  unsigned long nodes[kMaxNodes / (8 * sizeof(unsigned long))] = {};
  if (syscall(SYS_get_mempolicy, nullptr, nodes, kMaxNodes, nullptr, kMemsAllowed) != 0)
    return false;
  int count = 0;
  for (const unsigned long word : nodes) count += std::popcount(word);
  if (count > 1) syscall(SYS_mbind, base, size_bytes, kInterleave, nodes, kMaxNodes, 0);
  return count > 1;
}

// At a multiple of a huge page, for the kernel puts none where address and offset disagree.
void* MapAligned(int fd, uint64_t size_bytes) {
  const uint64_t with_margin = size_bytes + kHugePageBytes;
  void* const margin =
      mmap(nullptr, with_margin, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (margin == MAP_FAILED) return MAP_FAILED;
  const auto begin = reinterpret_cast<uintptr_t>(margin);
  const uintptr_t aligned = (begin + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  void* const base = mmap(reinterpret_cast<void*>(aligned), size_bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_NORESERVE | MAP_FIXED, fd, 0);
  if (base == MAP_FAILED) {
    munmap(margin, with_margin);
    return MAP_FAILED;
  }
  const uintptr_t end = aligned + size_bytes;
  if (aligned > begin) munmap(margin, aligned - begin);
  if (begin + with_margin > end) {
    munmap(reinterpret_cast<void*>(end), begin + with_margin - end);
  }
  return base;
}

absl::Status SystemError(const char* call, uint64_t size_bytes) {
  const int error = errno;
  return absl::ResourceExhaustedError(absl::StrCat(
      "DRAM tier: ", call, " for ", size_bytes, " bytes of address space: ", std::strerror(error)));
}

}  // namespace

absl::StatusOr<SealedFile> CreateSealedFile(const char* name, uint64_t size_bytes) {
  SealedFile file;
  file.memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file.memfd < 0) return SystemError("memfd_create", size_bytes);
  if (ftruncate(file.memfd, static_cast<off_t>(size_bytes)) != 0 ||
      fcntl(file.memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    const absl::Status status = SystemError("ftruncate", size_bytes);
    close(file.memfd);
    return status;
  }
  const std::string path = absl::StrCat("/proc/self/fd/", file.memfd);
  file.reader_fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fchmod(file.memfd, 0) != 0 && file.reader_fd >= 0) {
    close(file.reader_fd);
    file.reader_fd = -1;
  }
  return file;
}

absl::StatusOr<std::unique_ptr<SparseMemory>> SparseMemory::Create(uint64_t size_bytes,
                                                                   bool huge_pages) {
  HL_ASSIGN_OR_RETURN(const SealedFile file, CreateSealedFile("halflife-arena", size_bytes));
  void* const base = MapAligned(file.memfd, size_bytes);
  if (base == MAP_FAILED) {
    const absl::Status status = SystemError("mmap", size_bytes);
    close(file.memfd);
    if (file.reader_fd >= 0) close(file.reader_fd);
    return status;
  }
  // Users' tokens do not belong in a core dump, and nobody could store one of this size.
  madvise(base, size_bytes, MADV_DONTDUMP);
  // The base state of every page, see AdviseHugePages; also where the system's default is "always".
  madvise(base, size_bytes, MADV_NOHUGEPAGE);
  const bool spread = SpreadOverNodes(base, size_bytes);
  return std::unique_ptr<SparseMemory>(new SparseMemory(
      file, static_cast<uint8_t*>(base), size_bytes, huge_pages, huge_pages && !spread));
}

SparseMemory::~SparseMemory() {
  munmap(base_, size_bytes_);
  close(file_.memfd);
  if (file_.reader_fd >= 0) close(file_.reader_fd);
}

void SparseMemory::AdviseHugePages(Range range) {
  if (huge_pages_) AdviseInside(range, MADV_HUGEPAGE);
}

bool SparseMemory::GatherPages(Range range) {
  const int error = AdviseInside(range, kCollapse);
  if (error == EINVAL) gathers_.store(false, std::memory_order_relaxed);
  return error == 0;
}

bool SparseMemory::Populate(Range range) {
  if (madvise(base_ + range.offset, range.size_bytes, MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  return fallocate(file_.memfd, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(range.offset),
                   static_cast<off_t>(range.size_bytes)) == 0;
}

bool SparseMemory::Return(Range range) {
  // The next owner of these pages may have other edges.
  if (huge_pages_) AdviseInside(range, MADV_NOHUGEPAGE);
  return fallocate(file_.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   static_cast<off_t>(range.offset), static_cast<off_t>(range.size_bytes)) == 0;
}

int SparseMemory::AdviseInside(Range range, int advice) {
  const uint64_t begin = (range.offset + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const uint64_t end = (range.offset + range.size_bytes) / kHugePageBytes * kHugePageBytes;
  // Failure means small pages: slower to fill, nothing else.
  if (begin >= end) return 0;
  return madvise(base_ + begin, end - begin, advice) == 0 ? 0 : errno;
}

}  // namespace halflife
