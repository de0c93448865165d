#include "storage/tiers/dram_scopes.h"

#include <bit>

#include "common/check.h"

namespace halflife {

uint32_t BlockScopes::Acquire(const BlockScope& scope) {
  MutexLock lock(mutex_);
  auto [it, added] = numbers_.try_emplace(scope, 0);
  if (added) {
    it->second = FreeNumberLocked();
    entry(it->second).scope = scope;
  }
  ++entry(it->second).users;
  return it->second;
}

void BlockScopes::Release(uint32_t number) {
  MutexLock lock(mutex_);
  Entry& released = entry(number);
  HL_CHECK(released.users > 0);
  if (--released.users > 0) return;
  numbers_.erase(released.scope);
  free_.push_back(number);
}

size_t BlockScopes::size() const {
  MutexLock lock(mutex_);
  return numbers_.size();
}

BlockScopes::Entry& BlockScopes::entry(uint32_t number) const {
  const uint32_t unit = (number - 1) / kFirstChunk + 1;
  const int chunk = std::bit_width(unit) - 1;
  return chunks_[chunk][number - 1 - kFirstChunk * ((uint32_t{1} << chunk) - 1)];
}

uint32_t BlockScopes::FreeNumberLocked() {
  if (!free_.empty()) {
    const uint32_t number = free_.back();
    free_.pop_back();
    return number;
  }
  HL_CHECK(end_ <= kMaxNumber);
  const uint32_t number = end_++;
  const uint32_t unit = (number - 1) / kFirstChunk + 1;
  const int chunk = std::bit_width(unit) - 1;
  if (chunks_[chunk] == nullptr) chunks_[chunk].reset(new Entry[size_t{kFirstChunk} << chunk]);
  return number;
}

}  // namespace halflife
