#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "storage/residency/migration_context.h"

namespace halflife {

// The SSD half of TierMigrator: writes blocks that are to leave DRAM, evicts blocks to make room
// for them, and gives slots back that the tier asks for. Used by the one thread that steps the
// migrator, but for Await…, which are thread-safe.
class SsdMigrator {
 public:
  explicit SsdMigrator(const MigrationContext& context);

  // Writes those of `blocks` that are in DRAM and not on SSD yet, if the policy admits them. What
  // was not written is counted as refused and stays as it is. Returns the number of blocks written.
  size_t Write(absl::Span<const IndexedBlock> blocks);

  // Blocks, since the start, that Write could not write because the tier took none just then.
  uint64_t refused_for_now() const { return refused_for_now_; }

  // Moves a bounded part of what the tier wants back to other places; what cannot move is erased.
  // Returns true if it did anything.
  bool EraseWanted();
  void Erase(absl::Span<const SsdErase> erases);

  // Takes blocks that went with a quarantine out of index and policy, in bounded pieces: otherwise
  // they would be looked up in vain, and those still in DRAM never be written again. Returns true
  // if more is left.
  bool DropStale();

  // Now and then: how many bytes the device sees for each that is written here, and what the
  // budget's figures are.
  void AccountForWrites();

  // Returns once no write is under way that could still put one of these keys, or a key of this
  // namespace, on SSD: for a delete that has taken them out of the index. Waits for the end of one
  // batch at most, also if blocks of these names are put and written again meanwhile.
  void AwaitWritesOf(absl::Span<const BlockKey> keys);
  void AwaitWritesIn(const Digest128& prefix);

 private:
  static constexpr size_t kEvictBatchBlocks = 32;
  static constexpr int kEvictRounds = 8;  // per write
  static constexpr size_t kWantedBatch = 256;
  static constexpr uint64_t kMoveBytes = uint64_t{16} << 20;  // read and written per EraseWanted
  static constexpr size_t kStaleRecords = 4096;               // per piece
  // That a block may bring with it: what a step may write anyway.
  static constexpr uint64_t kChainBytes = uint64_t{128} << 20;

  // Blocks that are to be written, heads before tails, each pinned.
  struct Collected {
    std::vector<SsdWrite> writes;
    absl::flat_hash_set<BlockKey, BlockKeyHash> keys;
    uint64_t bytes = 0;
  };
  Collected Collect(absl::Span<const IndexedBlock> blocks, int64_t now_ns);
  // Appends the block if it is admitted, behind those of its ancestors that have to come with it.
  SsdAdmission::Verdict AdmitWithAncestors(const IndexedBlock& block, int64_t now_ns,
                                           Collected* collected);
  BlockRef PinForWrite(const BlockKey& key);
  size_t WriteCollected(std::vector<SsdWrite> writes);
  std::vector<absl::StatusOr<SsdLocation>> WriteWithRoom(absl::Span<const SsdWrite> writes);
  void EvictFor(absl::Span<const SsdWrite> writes);
  // At most kEvictBatchBlocks, and no more than frees `wanted_bytes`. Returns the number of blocks
  // evicted.
  size_t EvictBatch(uint64_t wanted_bytes);
  void Refuse(const BlockKey& key, Category category, AdmissionRefusal refusal);
  // Takes the SSD copy out of the index and the policy, and counts it. False if it is not there any
  // more.
  bool Forget(const BlockKey& key, const SsdLocation& location, EvictReason reason);
  void FindWanted();
  // Returns those that have to wait.
  std::vector<SsdMove> MoveOrErase(absl::Span<const SsdMove> moves);
  bool IsStale(const SsdLocation& location) const;
  void EndBatch();
  void Await(const std::function<bool(const BlockKey&)>& waits_for);

  const MigrationContext context_;

  // Of the stepping thread.
  std::vector<SsdMove> wanted_;       // back by the tier, and still to be settled
  std::vector<uint8_t> generations_;  // of the partitions, when the walk for stale ones began
  BlockIndex::Cursor stale_cursor_;
  bool dropping_stale_ = false;
  uint64_t refused_for_now_ = 0;
  int64_t accounted_ns_ = 0;

  Mutex mutex_;
  CondVar written_;
  std::vector<BlockKey> writing_ ABSL_GUARDED_BY(mutex_);  // the batch that is under way
  uint64_t batches_ended_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
