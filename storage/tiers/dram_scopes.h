#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/block/block_id.h"
#include "common/mutex.h"

namespace halflife {

// What the identities of many blocks have in common: all but the hash.
struct BlockScope {
  NamespaceId ns;
  uint32_t group = 0;
  uint16_t part = 0;

  static BlockScope Of(const BlockIdentity& identity) {
    return {identity.ns, identity.group, identity.part};
  }
  BlockIdentity With(const BlockHash& hash) const { return {ns, hash, group, part}; }

  friend bool operator==(const BlockScope&, const BlockScope&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const BlockScope& scope) {
    return H::combine(std::move(state), scope.ns, scope.group, scope.part);
  }
};

// Small numbers for the scopes of the blocks in DRAM, so that a block's control record carries 4
// bytes of them instead of 38. A number is free again when its last user is gone; there are never
// more than users. 0 is never given out.
//
// Thread-safe, with a leaf lock for giving out and taking back. Reading takes none: an entry stays
// where it is, and does not change while somebody uses it.
class BlockScopes {
 public:
  // The number of this scope, which has one more user now.
  uint32_t Acquire(const BlockScope& scope) ABSL_LOCKS_EXCLUDED(mutex_);
  void Release(uint32_t number) ABSL_LOCKS_EXCLUDED(mutex_);
  // Of a number that the caller uses.
  const BlockScope& operator[](uint32_t number) const { return entry(number).scope; }

  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Entry {
    BlockScope scope;
    uint32_t users = 0;
  };
  // Chunk c holds the numbers from kFirstChunk * (2^c - 1) + 1 on, twice as many as the one before.
  static constexpr uint32_t kFirstChunk = 64;
  static constexpr int kChunks = 26;
  static constexpr uint32_t kMaxNumber = kFirstChunk * ((uint32_t{1} << kChunks) - 1);

  Entry& entry(uint32_t number) const;
  uint32_t FreeNumberLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Each is set once, before the first number in it is given out.
  std::array<std::unique_ptr<Entry[]>, kChunks> chunks_;

  mutable Mutex mutex_;
  absl::flat_hash_map<BlockScope, uint32_t> numbers_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint32_t> free_ ABSL_GUARDED_BY(mutex_);
  uint32_t end_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace halflife
