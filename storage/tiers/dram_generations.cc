#include "storage/tiers/dram_generations.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

#include "common/status.h"
#include "storage/tiers/dram_memory.h"

namespace halflife {
namespace {

constexpr uint64_t kBytesPerWord = uint64_t{64} << 10;
constexpr uint64_t kMinWords = 4096;
constexpr uint64_t kMaxWords = uint64_t{1} << 20;

}  // namespace

absl::StatusOr<std::unique_ptr<GenerationTable>> GenerationTable::Create(uint64_t budget_bytes) {
  const uint64_t word_count =
      std::clamp(std::bit_ceil(budget_bytes / kBytesPerWord), kMinWords, kMaxWords);
  const size_t file_bytes = GenerationFileBytes(word_count);
  HL_ASSIGN_OR_RETURN(const SealedFile file, CreateSealedFile("halflife-generations", file_bytes));
  void* base = mmap(nullptr, file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.memfd, 0);
  // The mapping keeps the file: one descriptor less that could be misused.
  close(file.memfd);
  if (base == MAP_FAILED) {
    const int error = errno;
    if (file.reader_fd >= 0) close(file.reader_fd);
    return absl::ResourceExhaustedError(
        absl::StrCat("DRAM tier: mmap of the generations: ", std::strerror(error)));
  }
  return std::unique_ptr<GenerationTable>(
      new GenerationTable(file.reader_fd, static_cast<uint8_t*>(base), word_count));
}

GenerationTable::GenerationTable(int reader_fd, uint8_t* base, uint64_t word_count)
    : reader_fd_(reader_fd),
      base_(base),
      word_count_(word_count),
      words_(reinterpret_cast<std::atomic<uint64_t>*>(base + kGenerationHeaderBytes)) {
  GenerationHeader* const header = new (base_) GenerationHeader;
  header->magic = kGenerationMagic;
  header->word_count = word_count;
}

GenerationTable::~GenerationTable() {
  munmap(base_, GenerationFileBytes(word_count_));
  if (reader_fd_ >= 0) close(reader_fd_);
}

void GenerationTable::Bump(uint64_t offset) {
  words_[GenerationIndex(offset, word_count_)].fetch_add(1, std::memory_order_relaxed);
  // Before anything that is written to the slot from now on: the writer's half of a sequence lock.
  std::atomic_thread_fence(std::memory_order_release);
}

uint64_t GenerationTable::Of(uint64_t offset) const {
  return words_[GenerationIndex(offset, word_count_)].load(std::memory_order_relaxed);
}

void GenerationTable::End() {
  header().ended.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace halflife
