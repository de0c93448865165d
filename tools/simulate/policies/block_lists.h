#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace halflife::tools {

// A few doubly linked lists over dense block numbers; a block is in one of them at most. Every
// operation is O(1) without allocation. Not thread-safe.
class BlockLists {
 public:
  static constexpr uint8_t kNone = UINT8_MAX;

  BlockLists(size_t block_count, uint8_t list_count)
      : block_count_(static_cast<uint32_t>(block_count)),
        nodes_(block_count + list_count),
        list_of_(block_count, kNone),
        sizes_(list_count) {
    for (uint32_t list = 0; list < list_count; ++list) {
      nodes_[block_count_ + list] = {block_count_ + list, block_count_ + list};
    }
  }

  // kNone if it is in no list.
  uint8_t ListOf(uint32_t block) const { return list_of_[block]; }
  size_t size(uint8_t list) const { return sizes_[list]; }
  bool empty(uint8_t list) const { return sizes_[list] == 0; }

  // The list must not be empty.
  uint32_t Front(uint8_t list) const { return nodes_[block_count_ + list].next; }
  uint32_t Back(uint8_t list) const { return nodes_[block_count_ + list].prev; }
  bool IsFront(uint32_t block) const { return nodes_[block].prev >= block_count_; }
  uint32_t Before(uint32_t block) const { return nodes_[block].prev; }  // not of the front
  bool IsBack(uint32_t block) const { return nodes_[block].next >= block_count_; }
  uint32_t After(uint32_t block) const { return nodes_[block].next; }  // not of the back

  // The block must be in no list.
  void PushBack(uint8_t list, uint32_t block) { InsertBefore(block_count_ + list, list, block); }
  void PushFront(uint8_t list, uint32_t block) { InsertBefore(Front(list), list, block); }

  // The block must be in a list.
  void Remove(uint32_t block) {
    const Node node = nodes_[block];
    nodes_[node.prev].next = node.next;
    nodes_[node.next].prev = node.prev;
    --sizes_[list_of_[block]];
    list_of_[block] = kNone;
  }
  void MoveToBack(uint8_t list, uint32_t block) {
    Remove(block);
    PushBack(list, block);
  }
  uint32_t PopFront(uint8_t list) {
    const uint32_t block = Front(list);
    Remove(block);
    return block;
  }

 private:
  struct Node {
    uint32_t prev = 0;
    uint32_t next = 0;
  };

  void InsertBefore(uint32_t next, uint8_t list, uint32_t block) {
    const uint32_t prev = nodes_[next].prev;
    nodes_[block] = {prev, next};
    nodes_[prev].next = block;
    nodes_[next].prev = block;
    list_of_[block] = list;
    ++sizes_[list];
  }

  const uint32_t block_count_;
  std::vector<Node> nodes_;  // blocks, then one anchor per list
  std::vector<uint8_t> list_of_;
  std::vector<size_t> sizes_;
};

}  // namespace halflife::tools
