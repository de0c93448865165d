#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "storage/residency/change_queue.h"
#include "storage/residency/migration_context.h"
#include "storage/residency/request_chains.h"
#include "storage/residency/room_demand.h"
#include "storage/residency/ssd_migrator.h"
#include "storage/residency/unreachable_sweep.h"

namespace halflife {

// Carries out what the policy decides: keeps room in DRAM ahead of the requests, demotes what
// leaves it, evicts from SSD what no longer fits, moves memory between block sizes and drops blocks
// that nothing can reach any more.
//
// It is the only one that feeds and asks the policy. Step, SweepAll and Drain are called by one
// thread at a time; nothing a request does waits for it, but for a delete (Await… of writer()).
class TierMigrator {
 public:
  struct Options {
    // What is kept free for a block size in use: what such blocks took of DRAM in `free_ahead_s`
    // lately; of the budget at least kLeastFreeRatio, at most `free_target_ratio`.
    double free_ahead_s = 2;
    double free_target_ratio = 0.04;
  };

  // Borrows everything.
  TierMigrator(const Options& options, const MigrationContext& context, ChangeQueue* changes,
               RoomDemand* demand);

  // A bounded piece of work. Returns true if more is ready now.
  bool Step();
  // Gives the policy what requests have told; a step begins with it.
  void ApplyChanges();
  // A Put that finds DRAM full: is its block worth more than what would have to go for it? Yes
  // where there is an SSD tier, to which the block of least worth goes on, and where nothing is
  // known of the block: who puts without a look-up before it says nothing of what it is part of.
  bool IsWorthItsPlace(const BlockKey& key);
  // Walks the whole index once: gives the policy what it missed and drops unreachable blocks.
  // Returns how many were dropped; their children are without a parent then, for the next walk.
  size_t SweepAll();
  // Pinned blocks that were passed over are looked at again.
  void ForgetSkips() { context_.policy->ClearSkips(); }
  // Writes DRAM blocks that are not on SSD, last used first, heads before tails, until
  // `deadline_ns` of `clock`.
  void Drain(const Clock& clock, int64_t deadline_ns);
  // Gives the policy a block that the index knows already.
  void Reconcile(const BlockKey& key);

  // Takes blocks of the namespaces under this limit out of DRAM, those of least worth first, until
  // so many bytes are gone or none may go. A bounded piece of work; returns how many blocks went.
  size_t EvictUnder(uint16_t limit, uint64_t wanted_bytes);

  SsdMigrator& writer() { return writer_; }

 private:
  // Per step. Together about 32 MiB of writes: tens of milliseconds on an SSD. With fewer blocks a
  // batch of small ones would end before the device is busy.
  static constexpr size_t kBatchBlocks = 128;
  static constexpr uint64_t kBatchBytes = uint64_t{32} << 20;
  static constexpr int kRoundsPerStep = 4;
  static constexpr double kLeastFreeRatio = 0.001;
  static constexpr int kSkipsPerBatch = 256;
  static constexpr size_t kSweepRecords = 1024;

  void ApplyPuts(absl::Span<const BlockKey> keys);
  void ApplyTouch(const ChangeQueue::Touch& touch);
  void ApplyHint(const ChangeQueue::Hint& hint);
  void Reconcile(const BlockKey& key, const std::optional<IndexedBlock>& block);
  void SweepWhenDue(int64_t now_ns);
  bool SweepSome(size_t records, size_t* dropped);
  void DropUnreachable(absl::Span<const BlockKey> keys);

  bool KeepCeilings();
  bool KeepRoom();
  bool MakeRoomFor(const RoomDemand::Size& size, uint64_t target_bytes);
  // What is kept free for a size.
  uint64_t AheadBytes(const RoomDemand::Size& size) const;
  void SetReserves(absl::Span<const RoomDemand::Size> sizes);
  size_t EvictFromDram(uint64_t wanted_bytes);
  using NameVictim = std::function<std::optional<BlockKey>()>;
  size_t Evict(uint64_t wanted_bytes, const NameVictim& next);
  std::vector<IndexedBlock> TakeVictims(uint64_t wanted_bytes, const NameVictim& next);
  size_t DropVictims(absl::Span<const IndexedBlock> victims);

  bool EmptyASlabFor(uint64_t payload_bytes);
  void MoveOut(const BlockKey& key);

  std::vector<IndexedBlock> ToDrain() const;
  bool DrainPass(const Clock& clock, int64_t deadline_ns, std::vector<IndexedBlock>* unwritten);

  // Constant after construction.
  const Options options_;
  const MigrationContext context_;
  ChangeQueue* const changes_;
  RoomDemand* const demand_;

  // Of the stepping thread.
  SsdMigrator writer_;
  RequestChains requests_;
  UnreachableSweep sweep_;
  BlockIndex::Cursor sweep_cursor_;
  bool catching_up_ = false;  // a change was lost: the whole index has to be walked now
  int64_t sweep_due_ns_ = 0;
  int64_t skips_cleared_ns_ = 0;
};

}  // namespace halflife
