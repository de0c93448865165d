#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace halflife {

// Records that are named by a 32-bit number and never move. Beside a hash set of the numbers this
// costs the record and about 8 bytes, where a hash map of the records would cost them 1.5 times
// (its slots are 2/3 full on average). Number 0 is never given out: it means "none". They are
// allocated `kChunkRecords` at a time: the more, the fewer cache lines the way to them takes. Not
// thread-safe.
template <typename Record, uint32_t kChunkRecords = 128>
class RecordPool {
 public:
  // A default-constructed record.
  uint32_t Add() {
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (end_ % kChunkRecords == 0 || chunks_.empty()) {
      chunks_.push_back(std::make_unique<Chunk>());
    }
    return end_++;
  }

  // The number may be given out again.
  void Free(uint32_t number) {
    (*this)[number] = Record();
    free_.push_back(number);
  }

  Record& operator[](uint32_t number) {
    return (*chunks_[number / kChunkRecords])[number % kChunkRecords];
  }
  const Record& operator[](uint32_t number) const {
    return (*chunks_[number / kChunkRecords])[number % kChunkRecords];
  }

  // Every number ever given out is below this.
  uint32_t end() const { return end_; }
  size_t memory_bytes() const {
    return chunks_.size() * sizeof(Chunk) + free_.capacity() * sizeof(uint32_t);
  }

 private:
  using Chunk = std::array<Record, kChunkRecords>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  std::vector<uint32_t> free_;
  uint32_t end_ = 1;
};

}  // namespace halflife
