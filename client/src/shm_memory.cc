#include "client/src/shm_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/status.h"

namespace halflife::client {
namespace {

absl::Status CheckFile(int fd, uint64_t size_bytes) {
  struct stat facts {};
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(fd, &facts) != 0 ||
      static_cast<uint64_t>(facts.st_size) < size_bytes) {
    return absl::InvalidArgumentError(
        "shared memory: a file that is too short, or could become so");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Mapping> Mapping::Of(const FileDescriptor& fd, uint64_t size_bytes, Access access) {
  HL_RETURN_IF_ERROR(CheckFile(fd.get(), size_bytes));
  const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const base = mmap(nullptr, size_bytes, protection, MAP_SHARED | MAP_NORESERVE, fd.get(), 0);
  if (base == MAP_FAILED) {
    return absl::ResourceExhaustedError(
        absl::StrCat("shared memory: mmap of ", size_bytes, " bytes: ", std::strerror(errno)));
  }
  // Users' tokens do not belong in a core dump, and nobody could store one of this size.
  madvise(base, size_bytes, MADV_DONTDUMP);
  // A child has no part in the session: no page tables to copy for it, and no daemon's memory that
  // lives on because of it.
  madvise(base, size_bytes, MADV_DONTFORK);
  Mapping mapping;
  mapping.base_ = static_cast<uint8_t*>(base);
  mapping.size_bytes_ = size_bytes;
  return mapping;
}

Mapping::~Mapping() {
  if (base_ != nullptr) munmap(base_, size_bytes_);
}

absl::StatusOr<ShmMemoryRef> ShmMemory::Map(const ShmWelcome& welcome,
                                            const std::vector<FileDescriptor>& descriptors) {
  const size_t expected = welcome.staging_bytes > 0 ? 3 : 2;
  if (descriptors.size() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("shared memory: ", descriptors.size(), " descriptors, expected ", expected));
  }
  std::shared_ptr<ShmMemory> memory(new ShmMemory);
  memory->session_.assign(welcome.session.begin(), welcome.session.end());
  HL_ASSIGN_OR_RETURN(memory->arena_,
                      Mapping::Of(descriptors[0], welcome.arena_bytes, Mapping::Access::kRead));
  HL_ASSIGN_OR_RETURN(memory->generations_,
                      Mapping::Of(descriptors[1], GenerationFileBytes(welcome.generation_words),
                                  Mapping::Access::kRead));
  if (welcome.staging_bytes > 0) {
    HL_ASSIGN_OR_RETURN(memory->staging_, Mapping::Of(descriptors[2], welcome.staging_bytes,
                                                      Mapping::Access::kReadWrite));
  }
  const auto* const header = reinterpret_cast<const GenerationHeader*>(memory->generations_.base());
  if (header->magic != kGenerationMagic || header->word_count != welcome.generation_words) {
    return absl::InvalidArgumentError("shared memory: generations of another format");
  }
  memory->generation_reader_ =
      GenerationReader(memory->generations_.base(), welcome.generation_words);
  return ShmMemoryRef(std::move(memory));
}

const uint8_t* ShmMemory::At(uint64_t offset, uint64_t length) const {
  if (length > arena_.size_bytes() || offset > arena_.size_bytes() - length) return nullptr;
  return arena_.base() + offset;
}

}  // namespace halflife::client
