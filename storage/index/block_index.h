#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "storage/index/block_address.h"
#include "storage/residency/residency_policy.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// A block as it enters the index.
struct NewBlock {
  BlockAddress address;
  BlockKey parent{};  // all zero for a first block
  uint32_t depth = 0;
  Category category = kUnknownCategory;
  uint32_t hits = 0;
  int64_t last_touch_ns = 0;
  int64_t born_ns = 0;
};

// What the index knows about one block, as a value.
struct IndexedBlock {
  BlockFacts facts;
  int64_t born_ns = 0;  // in steps of 32 ms
  bool in_dram = false;
  bool pinned = false;  // somebody beside the index holds the DRAM copy
  std::optional<SsdLocation> ssd;
};

// Where the bytes of a block are. Holding `dram` pins them.
struct BlockCopies {
  BlockRef dram;
  std::optional<SsdLocation> ssd;

  bool any() const { return static_cast<bool>(dram) || ssd.has_value(); }
};

// What was taken out: the caller frees the bytes and erases the location, without the index's lock.
struct RemovedBlock {
  IndexedBlock block;
  BlockRef dram;
};

// Which blocks this node holds and where: the only owner of DRAM references that stay. It knows
// facts; it decides nothing (ResidencyPolicy does) and moves no bytes (TierMigrator and the read
// path do).
//
// Thread-safe: 64 shards, a leaf lock each. No I/O, no freeing of a block and no call into another
// class under them. A block costs 56 bytes and 8 for its place in the shard's table, and 20
// more if it is on SSD.
class BlockIndex {
 public:
  BlockIndex();
  ~BlockIndex();
  BlockIndex(const BlockIndex&) = delete;
  BlockIndex& operator=(const BlockIndex&) = delete;

  // --- Looking up
  // Empty copies unless the block is here *and* its identity is the wanted one.
  BlockCopies Find(const BlockAddress& address) const;
  struct Residency {
    bool dram = false;
    bool ssd = false;
  };
  // Blocks of one namespace, the same group and part of each: keys[i] was derived from hashes[i].
  struct Question {
    absl::Span<const BlockKey> keys;
    absl::Span<const BlockHash> hashes;
    uint32_t group = 0;
    uint16_t part = 0;
  };
  // As Find, without taking references: one answer per key. No copy is touched; Find and the SSD
  // tier prove the whole identity before anything is served.
  std::vector<Residency> Where(const Question& question) const;
  std::optional<IndexedBlock> Describe(const BlockKey& key) const;
  bool Contains(const BlockKey& key) const;
  // The DRAM copy, whatever its identity; null if there is none.
  BlockRef DramCopy(const BlockKey& key) const;

  // --- Arriving
  struct PutResult {
    bool stored = false;
    BlockRef existing;  // if not stored: the DRAM copy that was first, null if it is on SSD only
  };
  // Put-if-absent, over both tiers.
  PutResult InsertIfAbsent(const NewBlock& block, BlockRef dram);
  // A block that the SSD tier still had at start. False if the key is taken.
  bool RestoreOnSsd(const NewBlock& block, const SsdLocation& location);
  // A promotion: `read` came from `location`. Returns the DRAM copy to serve: `read`, or the one
  // that was there already. `attached` says if the index keeps `read`; it does not when the block
  // has left that location meanwhile.
  BlockRef AttachDram(const BlockKey& key, const SsdLocation& location, BlockRef read,
                      bool* attached);
  // A demotion: `written` lies at `location` now. False if the index no longer holds these very
  // bytes in DRAM: then the location is garbage.
  bool AttachSsd(const BlockKey& key, const BlockRef& written, const SsdLocation& location);
  // The SSD copy lies at `to` now. False if it no longer was at `from`: then `to` is garbage.
  bool MoveSsd(const BlockKey& key, const SsdLocation& from, const SsdLocation& to);
  // Puts a copy with the same bytes in another slot in place of `from`. Returns what the index
  // held: `from`, or null if it no longer held that.
  BlockRef SwapDram(const BlockKey& key, const BlockRef& from, BlockRef to);

  // --- Being used
  // Counts a hit on each block, moves its last touch to chain.now_ns and, if it is known, its
  // category to the chain's. Appends the time since the touch before, for each block that is here.
  void TouchChain(const TouchedChain& chain, std::vector<std::pair<Category, int64_t>>* gaps_ns);

  // --- Leaving
  enum class DropResult { kGone, kPinned, kDropped };
  struct Dropped {
    DropResult result = DropResult::kGone;
    bool left_node = false;  // it was the last copy
    RemovedBlock removed;    // as it was before
  };
  // Unless somebody holds the DRAM copy.
  Dropped DropDram(const BlockKey& key);
  // If it still is at this location.
  Dropped DropSsd(const BlockKey& key, const SsdLocation& location);
  // From all tiers. Pinned bytes stay readable to their holders.
  std::optional<RemovedBlock> Remove(const BlockKey& key);
  // All blocks of a namespace in one of the shards, 0 <= shard < kShards.
  std::vector<RemovedBlock> RemoveNamespace(const Digest128& prefix, int shard);

  // --- Walking
  static constexpr int kShards = 64;
  struct Cursor {
    int shard = 0;
    uint32_t record = 0;
  };
  // At most `limit` blocks from the cursor on, which moves behind them; back at the start after the
  // last one. A block that stays throughout a pass is seen once; others may be seen or not.
  std::vector<IndexedBlock> Scan(Cursor* cursor, size_t limit) const;
  // A whole pass. No lock is held while a block is visited.
  void ForEachBlock(absl::FunctionRef<void(const IndexedBlock&)> visit) const;
  // The DRAM copies of one shard, pinned by the answer.
  std::vector<std::pair<BlockKey, BlockRef>> DramCopies(int shard) const;

  // --- Totals
  struct Totals {
    std::array<uint64_t, kTierCount> blocks{};
    std::array<uint64_t, kTierCount> bytes{};  // payload
    std::array<std::array<uint64_t, kTierCount>, kMaxCategories> category_blocks{};
    uint64_t entries = 0;
  };
  Totals totals() const;
  // Heap bytes of records and tables, for the memory budget.
  size_t memory_bytes() const;

 private:
  struct Record;
  struct History;
  struct OnSsd;
  struct Shard;

  static constexpr size_t kWhereBatch = 512;
  struct ByShard;
  void WhereOfBatch(const Question& question, absl::Span<Residency> answers) const;
  void FetchPlaces(int shard, const ByShard& asked) const;
  void FetchRecords(int shard, ByShard* asked) const;
  void Answer(int shard, const ByShard& asked, absl::Span<Residency> answers) const;

  static int ShardOf(const BlockKey& key) { return key.block[8] % kShards; }
  Shard& shard(const BlockKey& key) const { return *shards_[ShardOf(key)]; }
  void Count(Category category, uint32_t payload_bytes, Tier tier, int change);
  // In each tier that it is in.
  void CountCopies(const Record& record, uint32_t payload_bytes, int change);

  std::array<std::unique_ptr<Shard>, kShards> shards_;

  std::array<std::array<std::atomic<uint64_t>, kTierCount>, kMaxCategories> category_blocks_{};
  std::array<std::atomic<uint64_t>, kTierCount> bytes_{};
  std::atomic<uint64_t> entries_{0};
};

}  // namespace halflife
