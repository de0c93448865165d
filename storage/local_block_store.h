#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "common/executor.h"
#include "common/published.h"
#include "storage/background.h"
#include "storage/block_store.h"
#include "storage/index/block_index.h"
#include "storage/lease_table.h"
#include "storage/miss_log.h"
#include "storage/namespace_ledger.h"
#include "storage/namespace_table.h"
#include "storage/put_waiters.h"
#include "storage/read_flights.h"
#include "storage/removal_memory.h"
#include "storage/residency/category_table.h"
#include "storage/residency/change_queue.h"
#include "storage/residency/room_demand.h"
#include "storage/residency/tier_migrator.h"
#include "storage/retain_ledger.h"
#include "storage/store_counters.h"
#include "storage/tiers/dram_populator.h"

namespace halflife {

// The BlockStore of a node: puts the parts of storage together, each of which has its own lock and
// is called without any other. Requests change the index and tell the background through bounded
// queues; the background (one step at a time) evicts, demotes, expires and sweeps. Everyone but
// block_store.cc uses it as a BlockStore.
class LocalBlockStore final : public BlockStore {
 public:
  LocalBlockStore(const Options& options, const TenantSecret& secret, Tiers tiers);
  ~LocalBlockStore() override;

  // Once, before anything else [I/O].
  void Recover();
  void StartBackground();

  absl::StatusOr<NamespaceRef> OpenNamespace(const NamespaceDescriptor& descriptor) override;
  NamespaceRef FindNamespace(const NamespaceId& id) const override;
  std::vector<NamespaceRef> Namespaces() const override;
  std::optional<LimitedUse> UseUnderLimit(const NamespaceRef& ns) const override;

  LookupResult Lookup(const ChainSlice& chain, PartRange parts,
                      const RequestAttributes& attributes) override;
  PinnedLookup Pin(const ChainSlice& chain, PartRange parts, const RequestAttributes& attributes,
                   absl::Duration lease_duration) override;
  absl::Status Release(LeaseId lease) override;
  absl::StatusOr<absl::Duration> Renew(LeaseId lease, absl::Duration duration) override;
  absl::StatusOr<LeasedBlocks> Leased(LeaseId lease) override;
  absl::StatusOr<LeaseId> Lease(LeasedBlocks blocks, absl::Duration duration,
                                uint64_t owner) override;
  void ReleaseAllOf(uint64_t owner) override;
  ArenaShare Share() const override;
  SharedPlace PlaceOf(const BlockRef& block) const override;
  BlockRef FindInDram(const BlockAddress& address) override;
  std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const BlockAddress> addresses) override;
  void Touch(const ChainSlice& chain, uint32_t blocks, PartRange parts,
             const RequestAttributes& attributes) override;
  HintAnswer Hint(const ChainSlice& chain, PartRange parts, const CallerHint& hint) override;
  void CountGet(const NamespaceRef& ns, const RequestAttributes& attributes,
                const SentBlocks& sent) override;

  void AllocateForPut(const NamespaceRef& ns, const BlockAddress& address,
                      std::function<void(absl::StatusOr<BlockBuffer>)> ready) override;
  PutOutcome Commit(const NamespaceRef& ns, PutBlock block,
                    const RequestAttributes& attributes) override;
  void CountPut(const NamespaceRef& ns, const RequestAttributes& attributes,
                PutOutcome outcome) override;
  uint64_t DeleteChain(const ChainSlice& chain, PartRange parts) override;
  uint64_t DeleteNamespace(const NamespaceRef& ns) override;

  void Drain(absl::Duration budget) override;
  void Quiesce() override;
  StoreStats stats() const override;
  std::shared_ptr<const ResidencyReport> Report() const override { return report_.Get(); }
  void RefreshReport() override;
  std::vector<BlockExplanation> Explain(const NamespaceRef& ns, absl::Span<const BlockHash> hashes,
                                        uint32_t group, uint16_t part) override;
  std::vector<RecentMiss> RecentMisses(size_t limit) const override;
  RequestSample::Snapshot SampledRequests() const override { return sample_.Take(); }
  std::vector<std::string> CategoryNames() const override;
  std::string CheckConservation() const override;

 private:
  // A block that this request reads from SSD, for itself and for those that follow it.
  struct LedRead {
    size_t index = 0;  // into the request
    ReadFlights::FlightRef flight;
    SsdLocation location;
  };

  // --- Reading (store_lookup.cc, store_read.cc)
  static std::vector<BlockKey> KeysOf(const ChainSlice& chain, PartRange parts);
  // As KeysOf, but none of a chain that is too much for the background to hear of: what a call
  // takes is bounded.
  std::vector<BlockKey> KeysToTell(const ChainSlice& chain, PartRange parts) const;
  void TellLookedUp(const ChainSlice& chain, std::vector<BlockKey> keys, const LookupResult& found,
                    uint32_t used_blocks, const RequestAttributes& attributes);
  ChangeQueue::Touch NamedBy(const ChainSlice& chain, std::vector<BlockKey> keys,
                             uint32_t used_blocks, const RequestAttributes& attributes);
  // `keys` as of KeysToTell.
  LookupResult ResidencyOf(const ChainSlice& chain, PartRange parts,
                           absl::Span<const BlockKey> keys) const;
  MissReason ReasonOfFirstMiss(const ChainSlice& chain, PartRange parts,
                               const LookupResult& result) const;
  bool IsInAnotherNamespace(const ChainSlice& chain) const;
  void CountLookup(const ChainSlice& chain, const LookupResult& result,
                   const RequestAttributes& attributes);
  std::vector<BlockRef> ReadPrefix(const ChainSlice& chain, PartRange parts, uint32_t blocks,
                                   absl::Status* stopped_by);
  void ReadLed(absl::Span<const BlockAddress> addresses, absl::Span<const LedRead> led,
               std::vector<absl::StatusOr<BlockRef>>* results);
  std::vector<absl::StatusOr<BlockRef>> ReadSsd(absl::Span<const BlockAddress> addresses,
                                                absl::Span<const LedRead> led);
  absl::StatusOr<BlockRef> Settle(const BlockAddress& address, const SsdLocation& location,
                                  absl::StatusOr<BlockRef> read);
  void DropFromSsd(const BlockKey& key, const SsdLocation& location, bool corrupt);

  // --- Hints (store_hints.cc)
  HintAnswer Retain(const ChainSlice& chain, PartRange parts, const CallerHint& hint);
  HintAnswer GiveUp(const ChainSlice& chain, PartRange parts, HintKind kind);
  HintAnswer Prefetch(const ChainSlice& chain, PartRange parts, const CallerHint& hint);
  void ReadAhead(const ChainSlice& chain, PartRange parts, HintAnswer* answer);
  bool TellHint(const ChainSlice& chain, PartRange parts, HintKind kind, uint32_t blocks,
                int64_t until_ns);

  // --- For people (store_insight.cc)
  BlockExplanation ExplainFacts(const NamespaceRef& ns, const BlockAddress& address,
                                int64_t now_ns) const;

  // --- Writing (store_write.cc)
  absl::Status CheckBlockBytes(uint64_t block_bytes) const;
  absl::StatusOr<BlockBuffer> AllocateNow(uint64_t payload_bytes);
  PutOutcome Publish(PutBlock block, Category category);
  size_t ServeWaiters();
  absl::Status JudgePut(const PutWaiters::Waiter& waiter);
  void AwaitRoomUnderCeiling(PutWaiters::Waiter waiter);
  size_t ServeAtCeiling();
  absl::Status CeilingError(uint16_t limit) const;
  // Takes blocks that left the index off the counts and the SSD.
  void FinishDelete(absl::Span<const RemovedBlock> removed);

  bool Step();
  void FailWaiters(const absl::Status& status);
  NamespaceLimitStats StatsOfLimit(uint16_t limit) const;
  uint64_t LeftoverBytes() const;

  // Constant after construction. The arena outlives everything that holds a block.
  const Options options_;
  const Clock* const clock_;
  const std::unique_ptr<DramArena> arena_;
  const std::unique_ptr<SsdTier> ssd_;
  const uint64_t arena_budget_bytes_;
  const uint64_t max_put_bytes_;

  NamespaceTable namespaces_;
  NamespaceLedger ledger_;
  CategoryTable categories_;
  StoreCounters counters_;
  RemovalMemory removals_;
  RequestSample sample_;
  MissLog misses_;
  Published<ResidencyReport> report_{std::make_shared<const ResidencyReport>()};
  BlockIndex index_;
  ReadFlights flights_;
  LeaseTable leases_;
  RetainLedger retained_;
  std::atomic<int> prefetches_{0};  // under way
  PutWaiters waiters_;
  PutWaiters at_ceiling_;  // whose namespaces hold all they may
  ChangeQueue changes_;
  RoomDemand demand_;
  const std::unique_ptr<ResidencyPolicy> policy_;  // of the migrator
  SsdAdmission admission_;                         // of the migrator
  TierMigrator migrator_;
  std::atomic<bool> draining_{false};
  ArenaPopulator populator_;
  Background background_;                    // after all that it works on: stops before them
  std::unique_ptr<PeriodicTask> reporting_;  // last: asks the background
};

}  // namespace halflife
