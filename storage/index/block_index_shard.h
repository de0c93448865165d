#pragma once

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "storage/index/block_index.h"
#include "storage/index/prefix_table.h"
#include "storage/index/record_pool.h"

namespace halflife {

// One block. Ordered by size, without holes: 120 bytes. The hash stays beside the DRAM copy's
// header, so that a Lookup compares identities without touching another cache line.
struct BlockIndex::Record {
  Digest128 block{};   // the block half of the key
  Digest128 parent{};  // the block half of the parent's key, all zero for a first block
  BlockHash hash;
  BlockRef dram;
  SsdLocation ssd;
  int64_t last_touch_ns = 0;
  int32_t born_ticks = 0;
  uint32_t hits = 0;
  uint32_t depth = 0;
  uint32_t group = 0;
  uint16_t part = 0;
  uint16_t prefix = 0;  // the namespace half, as a number of the shard's PrefixTable
  Category category = kUnknownCategory;
  bool on_ssd = false;
  bool live = false;

  // 32 ms per tick: 2.2 years of uptime in 32 bits.
  static constexpr int64_t kTickNs = int64_t{32} * 1000 * 1000;
  static int32_t TicksOf(int64_t born_ns) {
    return static_cast<int32_t>(std::clamp<int64_t>(born_ns / kTickNs, INT32_MIN, INT32_MAX));
  }
  bool Is(const BlockIdentity& wanted) const {
    return hash == wanted.hash && group == wanted.group && part == wanted.part &&
           (!dram || dram.header().identity == wanted);
  }
  uint32_t payload_bytes() const {
    return dram ? static_cast<uint32_t>(dram.header().payload_bytes) : ssd.bytes;
  }
};

struct BlockIndex::Shard {
  struct Hash {
    using is_transparent = void;
    const RecordPool<Record>* records;

    size_t operator()(const BlockKey& key) const { return BlockKeyHash()(key); }
    size_t operator()(uint32_t number) const {
      return BlockKeyHash()(BlockKey{{}, (*records)[number].block});
    }
  };
  struct Equal {
    using is_transparent = void;
    const RecordPool<Record>* records;
    const PrefixTable* prefixes;

    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t number, const BlockKey& key) const {
      const Record& record = (*records)[number];
      return record.block == key.block && (*prefixes)[record.prefix] == key.ns;
    }
    bool operator()(const BlockKey& key, uint32_t number) const { return (*this)(number, key); }
  };

  Shard() : by_key(0, Hash{&records}, Equal{&records, &prefixes}) {}

  Record* FindLocked(const BlockKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    auto it = by_key.find(key);
    return it == by_key.end() ? nullptr : &records[*it];
  }
  Record* AddLocked(const NewBlock& block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The record must hold no DRAM copy any more.
  void EraseLocked(const BlockKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  BlockKey KeyOfLocked(const Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return {prefixes[record.prefix], record.block};
  }
  IndexedBlock DescribeLocked(const Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  mutable Mutex mutex;
  RecordPool<Record> records ABSL_GUARDED_BY(mutex);
  PrefixTable prefixes ABSL_GUARDED_BY(mutex);
  absl::flat_hash_set<uint32_t, Hash, Equal> by_key ABSL_GUARDED_BY(mutex);
};

}  // namespace halflife
