#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace halflife {

// More of the records of a RecordPool, under the same numbers: what is seldom needed, so that the
// records themselves stay within a cache line. Takes memory only where one was written to; others
// read as default-constructed. Not thread-safe.
template <typename Record, uint32_t kChunkRecords = 4096>
class SideRecords {
 public:
  Record& operator[](uint32_t number) {
    const size_t chunk = number / kChunkRecords;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (chunks_[chunk] == nullptr) {
      chunks_[chunk] = std::make_unique<Chunk>();
      ++used_chunks_;
    }
    return (*chunks_[chunk])[number % kChunkRecords];
  }
  const Record& Get(uint32_t number) const {
    static const Record kNothing;
    const size_t chunk = number / kChunkRecords;
    if (chunk >= chunks_.size() || chunks_[chunk] == nullptr) return kNothing;
    return (*chunks_[chunk])[number % kChunkRecords];
  }

  size_t memory_bytes() const {
    return used_chunks_ * sizeof(Chunk) + chunks_.capacity() * sizeof(chunks_[0]);
  }

 private:
  using Chunk = std::array<Record, kChunkRecords>;

  std::vector<std::unique_ptr<Chunk>> chunks_;
  size_t used_chunks_ = 0;
};

}  // namespace halflife
