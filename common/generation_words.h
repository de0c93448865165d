#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace halflife {

// The file by which a process that reads the arena's memory finds out that the memory was given to
// another block meanwhile: a header page, then `word_count` words (docs/formats.md). A slot's word
// is counted up after its last reference is gone and before anybody may write to it or return it to
// the system. So a reader that saw the word `g` while the block was promised to it, then read the
// bytes, and then still finds `g`, has read the block and nothing else. No clock is part of that.
//
// Slots share words (their number is fixed, so that no reader can make the file grow): a word that
// differs means "perhaps", one that is equal means "certainly".
struct GenerationHeader {
  uint64_t magic = 0;
  uint64_t word_count = 0;         // a power of two
  std::atomic<uint64_t> ended{0};  // not 0: the arena is gone, no word holds any more
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(std::atomic<uint64_t>) == 8);

inline constexpr uint64_t kGenerationMagic = 0x31304e4547'4c48;  // "HLGEN01"
inline constexpr size_t kGenerationHeaderBytes = 4096;

inline constexpr size_t GenerationFileBytes(uint64_t word_count) {
  return kGenerationHeaderBytes + word_count * sizeof(uint64_t);
}

// Which word belongs to the slot that begins at `offset` of the arena. Multiplicative hashing:
// slots of different size classes begin at the same offset of their ranges.
inline uint64_t GenerationIndex(uint64_t offset, uint64_t word_count) {
  const int bits = std::countr_zero(word_count);
  return bits == 0 ? 0 : ((offset >> 12) * 0x9e3779b97f4a7c15) >> (64 - bits);
}

// The reader's side. Borrows a mapping of the file, whose size has been checked against word_count.
// Thread-safe.
class GenerationReader {
 public:
  GenerationReader() = default;
  GenerationReader(const uint8_t* file, uint64_t word_count)
      : header_(reinterpret_cast<const GenerationHeader*>(file)),
        words_(reinterpret_cast<const std::atomic<uint64_t>*>(file + kGenerationHeaderBytes)),
        word_count_(word_count) {}

  // True if every byte of the slot that this thread has read so far was of the block that was there
  // when its word was `generation`.
  bool Holds(uint64_t offset, uint64_t generation) const {
    // The reads of the payload come first, then the word: the reader's half of a sequence lock.
    std::atomic_thread_fence(std::memory_order_acquire);
    return words_[GenerationIndex(offset, word_count_)].load(std::memory_order_relaxed) ==
               generation &&
           header_->ended.load(std::memory_order_relaxed) == 0;
  }

 private:
  const GenerationHeader* header_ = nullptr;
  const std::atomic<uint64_t>* words_ = nullptr;
  uint64_t word_count_ = 1;
};

}  // namespace halflife
