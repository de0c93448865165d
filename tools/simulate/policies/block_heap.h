#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace halflife::tools {

// A heap of dense block numbers, the smallest key on top, in which the key of a block that is in it
// can be changed. Four children per node: fewer levels, and a node's children share a cache line.
// Not thread-safe.
template <typename Key>
class BlockHeap {
 public:
  explicit BlockHeap(size_t block_count) : positions_(block_count, kAbsent) {}

  size_t size() const { return entries_.size(); }
  bool Contains(uint32_t block) const { return positions_[block] != kAbsent; }

  // Must not be empty.
  const Key& TopKey() const { return entries_[0].key; }
  uint32_t Top() const { return entries_[0].block; }
  // The block must be in the heap.
  const Key& KeyOf(uint32_t block) const { return entries_[positions_[block]].key; }

  // Inserts the block or changes its key.
  void Set(uint32_t block, Key key) {
    if (!Contains(block)) {
      entries_.push_back({key, block});
      SiftUp(entries_.size() - 1);
      return;
    }
    const size_t at = positions_[block];
    const bool up = key < entries_[at].key;
    entries_[at].key = std::move(key);
    up ? SiftUp(at) : SiftDown(at);
  }

  uint32_t Pop() {
    const uint32_t top = Top();
    positions_[top] = kAbsent;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (!entries_.empty()) {
      entries_[0] = last;
      SiftDown(0);
    }
    return top;
  }

 private:
  static constexpr uint32_t kAbsent = UINT32_MAX;
  static constexpr size_t kArity = 4;
  struct Entry {
    Key key;
    uint32_t block;
  };

  void SiftUp(size_t at) {
    const Entry entry = entries_[at];
    while (at > 0) {
      const size_t up = (at - 1) / kArity;
      if (!(entry.key < entries_[up].key)) break;
      Place(at, entries_[up]);
      at = up;
    }
    Place(at, entry);
  }

  void SiftDown(size_t at) {
    const Entry entry = entries_[at];
    for (;;) {
      const size_t first = at * kArity + 1;
      if (first >= entries_.size()) break;
      const size_t end = first + kArity < entries_.size() ? first + kArity : entries_.size();
      size_t least = first;
      for (size_t child = first + 1; child < end; ++child) {
        if (entries_[child].key < entries_[least].key) least = child;
      }
      if (!(entries_[least].key < entry.key)) break;
      Place(at, entries_[least]);
      at = least;
    }
    Place(at, entry);
  }

  void Place(size_t at, const Entry& entry) {
    entries_[at] = entry;
    positions_[entry.block] = static_cast<uint32_t>(at);
  }

  std::vector<Entry> entries_;
  std::vector<uint32_t> positions_;  // by block
};

}  // namespace halflife::tools
