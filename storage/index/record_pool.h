#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/page_allocator.h"

namespace halflife {

// Records that are named by a 32-bit number and never move. Beside a hash set of the numbers this
// costs the record and about 8 bytes, where a hash map of the records would cost them 1.5 times
// (its slots are 2/3 full on average). Number 0 is never given out: it means "none". Not
// thread-safe.
//
// Memory is taken `kChunkRecords` at a time: the more, the fewer cache lines the way to them takes.
// A record is made when its number is given out first, so the pages behind the last one do not
// exist yet.
template <typename Record, uint32_t kChunkRecords = 4096>
class RecordPool {
 public:
  RecordPool() = default;
  RecordPool(const RecordPool&) = delete;
  RecordPool& operator=(const RecordPool&) = delete;
  ~RecordPool() {
    for (uint32_t number = 0; !chunks_.empty() && number < end_; ++number) {
      std::destroy_at(&(*this)[number]);
    }
    for (Record* const chunk : chunks_) allocator_.deallocate(chunk, kChunkRecords);
  }

  // A default-constructed record.
  uint32_t Add() {
    if (!free_.empty()) {
      const uint32_t number = free_.back();
      free_.pop_back();
      return number;
    }
    if (chunks_.empty()) {
      AddChunk();
      std::construct_at(&(*this)[0]);
    } else if (end_ % kChunkRecords == 0) {
      AddChunk();
    }
    std::construct_at(&(*this)[end_]);
    return end_++;
  }

  // The number may be given out again.
  void Free(uint32_t number) {
    (*this)[number] = Record();
    free_.push_back(number);
  }

  Record& operator[](uint32_t number) {
    return chunks_[number / kChunkRecords][number % kChunkRecords];
  }
  const Record& operator[](uint32_t number) const {
    return chunks_[number / kChunkRecords][number % kChunkRecords];
  }

  // Every number ever given out is below this.
  uint32_t end() const { return end_; }
  size_t memory_bytes() const {
    return (chunks_.empty() ? 0 : end_ * sizeof(Record)) + chunks_.capacity() * sizeof(Record*) +
           free_.capacity() * sizeof(uint32_t);
  }

 private:
  void AddChunk() {
    chunks_.push_back(nullptr);
    chunks_.back() = allocator_.allocate(kChunkRecords);
  }

  PageAllocator<Record> allocator_;
  std::vector<Record*> chunks_;
  std::vector<uint32_t> free_;
  uint32_t end_ = 1;
};

}  // namespace halflife
