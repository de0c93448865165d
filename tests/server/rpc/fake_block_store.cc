#include "tests/server/rpc/fake_block_store.h"

#include "common/check.h"
#include "common/status.h"

namespace halflife {
namespace {

std::unique_ptr<DramArena> NewArena(uint64_t bytes) {
  DramArena::Options options;
  options.budget_bytes = bytes;
  options.huge_pages = false;
  absl::StatusOr<std::unique_ptr<DramArena>> arena = DramArena::Create(options);
  HL_CHECK(arena.ok());
  return *std::move(arena);
}

}  // namespace

FakeBlockStore::FakeBlockStore(uint64_t arena_bytes) : arena_(NewArena(arena_bytes)) {}

void FakeBlockStore::MoveToSsd(const BlockAddress& address) {
  MutexLock lock(mutex_);
  const auto found = dram_.find(address.key);
  HL_CHECK(found != dram_.end());
  ssd_[address.key] = std::move(found->second);
  dram_.erase(found);
}

void FakeBlockStore::FailReadsWith(absl::Status status) {
  MutexLock lock(mutex_);
  read_failure_ = std::move(status);
}

void FakeBlockStore::SlowReads(ManualClock* clock, absl::Duration by) {
  MutexLock lock(mutex_);
  read_clock_ = clock;
  read_time_ = by;
}

void FakeBlockStore::RefuseBuffersWith(absl::Status status) {
  MutexLock lock(mutex_);
  buffer_failure_ = std::move(status);
}

void FakeBlockStore::HoldBuffers() {
  MutexLock lock(mutex_);
  hold_buffers_ = true;
}

size_t FakeBlockStore::waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

void FakeBlockStore::ServeWaiting() {
  std::vector<std::function<void()>> waiting;
  {
    MutexLock lock(mutex_);
    hold_buffers_ = false;
    waiting.swap(waiting_);
  }
  for (const std::function<void()>& serve : waiting) serve();
}

size_t FakeBlockStore::resident_blocks() const {
  MutexLock lock(mutex_);
  return dram_.size() + ssd_.size();
}

std::vector<FakeBlockStore::Touched> FakeBlockStore::touches() const {
  MutexLock lock(mutex_);
  return touches_;
}

std::vector<FakeBlockStore::Got> FakeBlockStore::gets() const {
  MutexLock lock(mutex_);
  return gets_;
}

uint64_t FakeBlockStore::counted_puts(PutOutcome outcome) const {
  MutexLock lock(mutex_);
  const auto found = counted_puts_.find(outcome);
  return found == counted_puts_.end() ? 0 : found->second;
}

size_t FakeBlockStore::reads() const {
  MutexLock lock(mutex_);
  return reads_;
}

absl::StatusOr<NamespaceRef> FakeBlockStore::OpenNamespace(const NamespaceDescriptor& descriptor) {
  const NamespaceId id = descriptor.Id();
  MutexLock lock(mutex_);
  NamespaceRef& ns = namespaces_[id.bytes];
  if (ns == nullptr) {
    ns = std::make_shared<const Namespace>(
        Namespace{id, descriptor, KeyDeriver(TenantSecret{}, id), 0});
  }
  return ns;
}

NamespaceRef FakeBlockStore::FindNamespace(const NamespaceId& id) const {
  MutexLock lock(mutex_);
  const auto found = namespaces_.find(id.bytes);
  return found == namespaces_.end() ? nullptr : found->second;
}

bool FakeBlockStore::HasAll(const ChainSlice& chain, uint32_t index, PartRange parts,
                            bool& ssd) const {
  ssd = false;
  for (uint16_t i = 0; i < parts.count; ++i) {
    const BlockKey key = AddressOf(chain, index, parts.first + i).key;
    if (dram_.contains(key)) continue;
    if (!ssd_.contains(key)) return false;
    ssd = true;
  }
  return true;
}

LookupResult FakeBlockStore::Lookup(const ChainSlice& chain, PartRange parts,
                                    const RequestAttributes&) {
  MutexLock lock(mutex_);
  LookupResult result;
  result.bitmap.resize((chain.hashes.size() + 7) / 8);
  for (uint32_t index = 0; index < chain.hashes.size(); ++index) {
    bool ssd = false;
    if (!HasAll(chain, index, parts, ssd)) {
      if (result.miss_reason == MissReason::kNone) result.miss_reason = MissReason::kNeverSeen;
      continue;
    }
    result.bitmap[index / 8] |= static_cast<uint8_t>(1 << (index % 8));
    if (result.prefix_blocks == index) ++result.prefix_blocks;
    result.runs.push_back({.first = index, .count = 1, .tier = ssd ? Tier::kSsd : Tier::kDram});
  }
  return result;
}

PinnedLookup FakeBlockStore::Pin(const ChainSlice& chain, PartRange parts,
                                 const RequestAttributes& attributes,
                                 absl::Duration lease_duration) {
  PinnedLookup pinned{.lookup = Lookup(chain, parts, attributes), .lease_duration = lease_duration};
  if (pinned.lookup.prefix_blocks == 0) return pinned;
  LeasedBlocks leased{.ns = chain.ns, .parts = parts, .blocks = {}};
  MutexLock lock(mutex_);
  for (uint32_t index = 0; index < pinned.lookup.prefix_blocks; ++index) {
    for (uint16_t i = 0; i < parts.count; ++i) {
      const BlockKey key = AddressOf(chain, index, parts.first + i).key;
      leased.blocks.push_back(dram_.contains(key) ? dram_[key] : ssd_[key]);
    }
  }
  pinned.pinned_blocks = pinned.lookup.prefix_blocks;
  pinned.lease = next_lease_++;
  leases_[pinned.lease] = std::move(leased);
  return pinned;
}

absl::Status FakeBlockStore::Release(LeaseId lease) {
  MutexLock lock(mutex_);
  return leases_.erase(lease) > 0 ? absl::OkStatus() : absl::NotFoundError("no such lease");
}

absl::StatusOr<absl::Duration> FakeBlockStore::Renew(LeaseId lease, absl::Duration duration) {
  MutexLock lock(mutex_);
  if (!leases_.contains(lease)) return absl::NotFoundError("no such lease");
  return duration;
}

absl::StatusOr<BlockStore::LeasedBlocks> FakeBlockStore::Leased(LeaseId lease) {
  MutexLock lock(mutex_);
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return absl::AbortedError("the lease is gone");
  return found->second;
}

BlockRef FakeBlockStore::FindInDram(const BlockAddress& address) {
  MutexLock lock(mutex_);
  const auto found = dram_.find(address.key);
  return found == dram_.end() ? BlockRef() : found->second;
}

std::vector<absl::StatusOr<BlockRef>> FakeBlockStore::Read(
    absl::Span<const BlockAddress> addresses) {
  MutexLock lock(mutex_);
  if (read_clock_ != nullptr) read_clock_->Advance(read_time_);
  std::vector<absl::StatusOr<BlockRef>> blocks;
  for (const BlockAddress& address : addresses) {
    ++reads_;
    const auto found = ssd_.find(address.key);
    if (!read_failure_.ok()) {
      blocks.push_back(read_failure_);
    } else if (found != ssd_.end()) {
      blocks.push_back(found->second);
    } else {
      blocks.push_back(absl::NotFoundError("not here"));
    }
  }
  return blocks;
}

void FakeBlockStore::Touch(const ChainSlice& chain, uint32_t blocks, PartRange parts,
                           const RequestAttributes& attributes) {
  HL_CHECK(blocks <= chain.hashes.size());
  MutexLock lock(mutex_);
  touches_.push_back({blocks, parts, attributes.app});
}

void FakeBlockStore::CountGet(const NamespaceRef&, const RequestAttributes&,
                              const SentBlocks& sent) {
  MutexLock lock(mutex_);
  gets_.push_back({sent.blocks[0], sent.blocks[1], sent.bytes[0] + sent.bytes[1]});
}

void FakeBlockStore::AllocateForPut(const NamespaceRef& ns, const BlockAddress& address,
                                    std::function<void(absl::StatusOr<BlockBuffer>)> ready) {
  absl::Status refusal;
  {
    MutexLock lock(mutex_);
    if (hold_buffers_) {
      waiting_.push_back([this, ns, address, ready] { AllocateForPut(ns, address, ready); });
      return;
    }
    refusal = buffer_failure_;
    if (dram_.contains(address.key) || ssd_.contains(address.key))
      refusal = absl::AlreadyExistsError("resident");
  }
  if (!refusal.ok()) return ready(refusal);
  ready(arena_->Allocate(ns->descriptor.block_bytes));
}

PutOutcome FakeBlockStore::Commit(const NamespaceRef&, PutBlock block, const RequestAttributes&) {
  if (PayloadChecksum(block.address.identity, block.buffer.bytes()) != block.checksum) {
    return PutOutcome::kRefusedChecksum;
  }
  BlockHeader header;
  header.identity = block.address.identity;
  header.payload_bytes = block.buffer.bytes().size();
  header.checksum = block.checksum;
  header.depth = block.depth;
  BlockRef sealed = std::move(block.buffer).Seal(header);
  MutexLock lock(mutex_);
  return dram_.emplace(block.address.key, std::move(sealed)).second ? PutOutcome::kStored
                                                                    : PutOutcome::kDuplicate;
}

void FakeBlockStore::CountPut(const NamespaceRef&, const RequestAttributes&, PutOutcome outcome) {
  MutexLock lock(mutex_);
  ++counted_puts_[outcome];
}

uint64_t FakeBlockStore::DeleteChain(const ChainSlice& chain, PartRange parts) {
  MutexLock lock(mutex_);
  uint64_t deleted = 0;
  for (uint32_t index = 0; index < chain.hashes.size(); ++index) {
    for (uint16_t i = 0; i < parts.count; ++i) {
      const BlockKey key = AddressOf(chain, index, parts.first + i).key;
      deleted += dram_.erase(key) + ssd_.erase(key);
    }
  }
  return deleted;
}

uint64_t FakeBlockStore::DeleteNamespace(const NamespaceRef& ns) {
  MutexLock lock(mutex_);
  namespaces_.erase(ns->id.bytes);
  const uint64_t deleted = dram_.size() + ssd_.size();
  dram_.clear();
  ssd_.clear();
  return deleted;
}

}  // namespace halflife
