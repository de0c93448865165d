#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "storage/block_store.h"
#include "tests/fakes/manual_clock.h"

namespace halflife {

// A BlockStore over a real arena, with a map for an index and switches for what is hard to provoke:
// blocks that are "on SSD", reads that fail, buffers that come late or never. Evicts nothing.
// Thread-safe.
class FakeBlockStore final : public BlockStore {
 public:
  explicit FakeBlockStore(uint64_t arena_bytes = uint64_t{256} << 20);

  // Moves a resident block to where only Read finds it.
  void MoveToSsd(const BlockAddress& address);
  void FailReadsWith(absl::Status status);
  // Each Read moves the clock by this.
  void SlowReads(ManualClock* clock, absl::Duration by);
  void RefuseBuffersWith(absl::Status status);
  // AllocateForPut keeps its callers waiting until ServeWaiting.
  void HoldBuffers();
  size_t waiting() const;
  void ServeWaiting();

  size_t resident_blocks() const;
  DramArena::Stats arena_stats() const { return arena_->stats(); }
  struct Touched {
    uint32_t blocks;
    PartRange parts;
    std::string app;
  };
  std::vector<Touched> touches() const;
  struct Got {
    uint32_t dram_blocks, ssd_blocks;
    uint64_t bytes;
  };
  std::vector<Got> gets() const;
  uint64_t counted_puts(PutOutcome outcome) const;
  size_t reads() const;

  absl::StatusOr<NamespaceRef> OpenNamespace(const NamespaceDescriptor& descriptor) override;
  NamespaceRef FindNamespace(const NamespaceId& id) const override;
  std::vector<NamespaceRef> Namespaces() const override { return {}; }
  LookupResult Lookup(const ChainSlice& chain, PartRange parts, const RequestAttributes&) override;
  PinnedLookup Pin(const ChainSlice& chain, PartRange parts, const RequestAttributes& attributes,
                   absl::Duration lease_duration) override;
  absl::Status Release(LeaseId lease) override;
  absl::StatusOr<absl::Duration> Renew(LeaseId lease, absl::Duration duration) override;
  absl::StatusOr<LeasedBlocks> Leased(LeaseId lease) override;
  BlockRef FindInDram(const BlockAddress& address) override;
  std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const BlockAddress> addresses) override;
  void Touch(const ChainSlice& chain, uint32_t blocks, PartRange parts,
             const RequestAttributes& attributes) override;
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
  void Drain(absl::Duration) override {}
  void Quiesce() override {}
  StoreStats stats() const override { return {}; }
  std::vector<std::string> CategoryNames() const override { return {}; }
  std::string CheckConservation() const override { return {}; }

 private:
  bool HasAll(const ChainSlice& chain, uint32_t index, PartRange parts, bool& ssd) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<DramArena> arena_;

  mutable Mutex mutex_;
  std::map<Digest256, NamespaceRef> namespaces_ ABSL_GUARDED_BY(mutex_);
  std::map<BlockKey, BlockRef> dram_ ABSL_GUARDED_BY(mutex_);
  std::map<BlockKey, BlockRef> ssd_ ABSL_GUARDED_BY(mutex_);
  std::map<LeaseId, LeasedBlocks> leases_ ABSL_GUARDED_BY(mutex_);
  LeaseId next_lease_ ABSL_GUARDED_BY(mutex_) = 1;
  absl::Status read_failure_ ABSL_GUARDED_BY(mutex_);
  ManualClock* read_clock_ ABSL_GUARDED_BY(mutex_) = nullptr;
  absl::Duration read_time_ ABSL_GUARDED_BY(mutex_);
  absl::Status buffer_failure_ ABSL_GUARDED_BY(mutex_);
  bool hold_buffers_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Touched> touches_ ABSL_GUARDED_BY(mutex_);
  std::vector<Got> gets_ ABSL_GUARDED_BY(mutex_);
  std::map<PutOutcome, uint64_t> counted_puts_ ABSL_GUARDED_BY(mutex_);
  size_t reads_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
