#pragma once

#include <algorithm>

#include "common/mutex.h"
#include "storage/index/block_index.h"
#include "storage/index/number_table.h"
#include "storage/index/prefix_table.h"
#include "storage/index/record_pool.h"
#include "storage/index/side_records.h"

namespace halflife {

// One block, as far as a Lookup asks: half a cache line. Of its identity it has one byte, which
// shows a caller's mistake: the copy in DRAM has all of it in its control record, the copy on SSD
// in front of its payload, and who reads either compares them. The key, a keyed digest of 128 bits,
// is in nobody's hands, so a Lookup is right with less.
struct alignas(32) BlockIndex::Record {
  Digest128 block{};  // the block half of the key
  BlockRef dram;
  int32_t born_ticks = 0;
  uint16_t prefix = 0;  // the namespace half, as a number of the shard's PrefixTable
  uint8_t identity_tag = 0;
  Category category : 6 = kUnknownCategory;
  bool on_ssd : 1 = false;
  bool live : 1 = false;

  // 32 ms per tick: 2.2 years of uptime in 32 bits.
  static constexpr int64_t kTickNs = int64_t{32} * 1000 * 1000;
  static int32_t TicksOf(int64_t born_ns) {
    return static_cast<int32_t>(std::clamp<int64_t>(born_ns / kTickNs, INT32_MIN, INT32_MAX));
  }
  // Other hashes differ in it 255 times in 256, neighbouring groups and parts of one hash always.
  static uint8_t TagOf(const BlockHash& hash, uint32_t group, uint16_t part) {
    return static_cast<uint8_t>(hash.bytes[0] ^ (group * 59 + part));
  }
  static uint8_t TagOf(const BlockIdentity& identity) {
    return TagOf(identity.hash, identity.group, identity.part);
  }
};

// The rest of it.
struct BlockIndex::History {
  // 4.4 years of uptime in 48 bits.
  static constexpr int64_t kTouchStepNs = 1000;
  static constexpr int64_t kMaxSteps = (int64_t{1} << 47) - 1;
  static constexpr uint32_t kMaxHits = UINT16_MAX;

  Digest128 parent{};  // the block half of the parent's key, all zero for a first block
  int64_t last_touch_steps : 48 = 0;
  uint64_t hits : 16 = 0;  // saturates

  int64_t last_touch_ns() const { return last_touch_steps * kTouchStepNs; }
  void set_last_touch_ns(int64_t at_ns) {
    last_touch_steps = std::clamp(at_ns / kTouchStepNs, -kMaxSteps, kMaxSteps);
  }
};

// What a block on SSD has beside its Record: most blocks of a node without SSD tier have none.
struct BlockIndex::OnSsd {
  SsdLocation location;
  uint32_t depth = 0;
};

static_assert(kMaxCategories <= 1 << 6);

struct BlockIndex::Shard {
  struct HasKey {
    const RecordPool<Record>& records;
    const PrefixTable& prefixes;
    const BlockKey& key;

    bool operator()(uint32_t number) const {
      return records[number].block == key.block && prefixes[records[number].prefix] == key.ns;
    }
  };

  Record* FindLocked(const BlockKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const uint32_t number = NumberLocked(key);
    return number == 0 ? nullptr : &records[number];
  }
  // Its number was `guess` > 0 a moment ago, or seemed so.
  Record* FindLocked(const BlockKey& key, uint32_t guess) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    Record& record = records[guess];
    const bool is = record.live && HasKey{records, prefixes, key}(guess);
    return is ? &record : FindLocked(key);
  }
  // 0 = none.
  uint32_t NumberLocked(const BlockKey& key) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return by_key.Find(key.Head(), HasKey{records, prefixes, key});
  }
  uint32_t AddLocked(const NewBlock& block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // The record must hold no DRAM copy any more.
  void EraseLocked(uint32_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  BlockKey KeyOfLocked(const Record& record) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return {prefixes[record.prefix], record.block};
  }
  bool IsLocked(uint32_t number, const BlockIdentity& wanted) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  uint32_t PayloadBytesLocked(uint32_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  bool LiesAtLocked(uint32_t number, const SsdLocation& location) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    return records[number].on_ssd && on_ssd.Get(number).location == location;
  }
  IndexedBlock DescribeLocked(uint32_t number) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  mutable Mutex mutex;
  RecordPool<Record> records ABSL_GUARDED_BY(mutex);
  RecordPool<History> history ABSL_GUARDED_BY(mutex);     // of all of them, by the same numbers
  SideRecords<OnSsd, 128> on_ssd ABSL_GUARDED_BY(mutex);  // of those with Record::on_ssd
  PrefixTable prefixes ABSL_GUARDED_BY(mutex);
  NumberTable by_key ABSL_GUARDED_BY(mutex);
};

}  // namespace halflife
