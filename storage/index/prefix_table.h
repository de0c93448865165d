#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/check.h"
#include "common/hashing.h"

namespace halflife {

// Small numbers for the 16-byte namespace half of stored keys, so that a record costs 2 bytes
// instead of 16. A number is free again when its last user is gone. Not thread-safe.
class PrefixTable {
 public:
  // The number of this prefix, which has one more user now.
  uint16_t Acquire(const Digest128& prefix) {
    auto [it, added] = numbers_.try_emplace(prefix, 0);
    if (added) it->second = FreeNumber(prefix);
    ++entries_[it->second].users;
    return it->second;
  }

  void Release(uint16_t number) {
    Entry& entry = entries_[number];
    HL_CHECK(entry.users > 0);
    if (--entry.users > 0) return;
    numbers_.erase(entry.prefix);
    free_.push_back(number);
  }

  const Digest128& operator[](uint16_t number) const { return entries_[number].prefix; }

 private:
  struct Entry {
    Digest128 prefix{};
    uint64_t users = 0;
  };
  struct HeadHash {  // keyed digests are uniform already
    size_t operator()(const Digest128& prefix) const {
      uint64_t head;
      std::memcpy(&head, prefix.data(), sizeof head);
      return head;
    }
  };

  uint16_t FreeNumber(const Digest128& prefix) {
    if (free_.empty()) {
      HL_CHECK(entries_.size() < 65536);  // kMaxNamespaces is far below
      entries_.push_back({prefix, 0});
      return static_cast<uint16_t>(entries_.size() - 1);
    }
    const uint16_t number = free_.back();
    free_.pop_back();
    entries_[number] = {prefix, 0};
    return number;
  }

  std::vector<Entry> entries_;
  std::vector<uint16_t> free_;
  absl::flat_hash_map<Digest128, uint16_t, HeadHash> numbers_;
};

}  // namespace halflife
