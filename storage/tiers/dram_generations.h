#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/generation_words.h"

namespace halflife {

// The writer's side of common/generation_words.h: counts up a slot's word whenever its memory is
// about to be something else, where processes that map the arena can see it. It neither knows which
// slots there are nor who reads. Thread-safe; nothing waits.
class GenerationTable {
 public:
  // For an arena of `budget_bytes`: a word for each 64 KiB of it, 4,096 to 1 Mi words, so at most
  // 0.012 % of the budget or 32 KiB. Returns: kResourceExhausted if the kernel has no descriptor or
  // no memory left.
  static absl::StatusOr<std::unique_ptr<GenerationTable>> Create(uint64_t budget_bytes);
  ~GenerationTable();
  GenerationTable(const GenerationTable&) = delete;
  GenerationTable& operator=(const GenerationTable&) = delete;

  // The last reference to the slot at `offset` is gone; nobody has written to it since.
  void Bump(uint64_t offset);
  // What a reader must find. Only meaningful while the caller holds a reference.
  uint64_t Of(uint64_t offset) const;
  // The whole arena is about to go.
  void End();

  // Read-only description, sealed; -1 if this system cannot make one.
  int reader_fd() const { return reader_fd_; }
  uint64_t word_count() const { return word_count_; }

 private:
  GenerationTable(int reader_fd, uint8_t* base, uint64_t word_count);
  GenerationHeader& header() const { return *reinterpret_cast<GenerationHeader*>(base_); }

  const int reader_fd_;
  uint8_t* const base_;
  const uint64_t word_count_;
  std::atomic<uint64_t>* const words_;
};

}  // namespace halflife
