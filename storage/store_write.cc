// LocalBlockStore: Put and Delete.

#include <algorithm>

#include "common/check.h"
#include "common/killpoint.h"
#include "common/limits.h"
#include "common/status.h"
#include "storage/local_block_store.h"

namespace halflife {
namespace {

constexpr uint64_t kMillisPerSecond = 1000;
// Keys of a chain that are deleted at a time: its parts may be a thousand.
constexpr size_t kDeleteBatch = 8192;

// By a decision of ours, and not by a delete or damage.
bool WasGivenUp(MissReason reason) {
  return reason == MissReason::kEvicted || reason == MissReason::kNotAdmitted ||
         reason == MissReason::kOverQuota || reason == MissReason::kUnavailable;
}

}  // namespace

absl::Status LocalBlockStore::CheckBlockBytes(uint64_t block_bytes) const {
  if (block_bytes <= options_.max_block_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "block_bytes is ", block_bytes, ", this daemon takes at most ", options_.max_block_bytes,
      ": use smaller blocks or more parts, or raise storage.max_block (up to ", kMaxBlockBytes,
      ")"));
}

absl::StatusOr<BlockBuffer> LocalBlockStore::AllocateNow(uint64_t payload_bytes) {
  HL_ASSIGN_OR_RETURN(BlockBuffer buffer, arena_->Allocate(payload_bytes));
  // Looked at with our own bytes in it, so that two at a time cannot both pass; the one too many
  // goes back.
  // One alone always may, or blocks above the limit could never be put.
  const uint64_t unsealed_bytes = arena_->unsealed_bytes();
  if (unsealed_bytes > max_put_bytes_ && unsealed_bytes > buffer.padded_bytes().size()) {
    return absl::ResourceExhaustedError(absl::StrCat("puts: ", payload_bytes, " bytes wanted, ",
                                                     unsealed_bytes, " with them, of ",
                                                     max_put_bytes_, " for open buffers"));
  }
  return buffer;
}

void LocalBlockStore::AllocateForPut(const NamespaceRef& ns, const BlockAddress& address,
                                     std::function<void(absl::StatusOr<BlockBuffer>)> ready) {
  if (draining_.load(std::memory_order_relaxed)) {
    ready(absl::UnavailableError("store: draining"));
    return;
  }
  if (index_.Contains(address.key)) {
    ready(absl::AlreadyExistsError("the block is here already"));
    return;
  }
  const uint64_t payload_bytes = ns->descriptor.block_bytes;
  if (const absl::Status small = CheckBlockBytes(payload_bytes); !small.ok()) {
    ready(small);
    return;
  }
  if (payload_bytes > arena_budget_bytes_) {
    ready(absl::ResourceExhaustedError(absl::StrCat(
        "DRAM tier: ", payload_bytes, " bytes wanted, the budget is ", arena_budget_bytes_)));
    return;
  }
  const int64_t now_ns = clock_->NowNanos();
  const int64_t deadline_ns = now_ns + absl::ToInt64Nanoseconds(options_.put_room_wait);
  demand_.Use(payload_bytes, now_ns);
  const uint16_t limit = ledger_.LimitOf(address.key.ns);
  if (ledger_.ExcessWith(limit, payload_bytes) > 0) {
    AwaitRoomUnderCeiling({address.key, payload_bytes, deadline_ns, std::move(ready), limit});
    return;
  }
  if (waiters_.empty()) {  // else behind those who came first
    absl::StatusOr<BlockBuffer> buffer = AllocateNow(payload_bytes);
    if (!absl::IsResourceExhausted(buffer.status())) {
      if (!arena_->HasRoom(payload_bytes)) background_.Wake();
      ready(std::move(buffer));
      return;
    }
  }
  PutWaiters::Waiter waiter{address.key, payload_bytes, deadline_ns, std::move(ready)};
  demand_.Want(payload_bytes, now_ns);
  if (!waiters_.Add(waiter)) {
    demand_.Unwant(payload_bytes);
    waiter.ready(absl::ResourceExhaustedError(
        absl::StrCat("puts: ", PutWaiters::kMaxWaiters, " are waiting for room")));
    return;
  }
  // Drain may have looked for waiters just before this one was there.
  if (draining_.load(std::memory_order_relaxed)) {
    FailWaiters(absl::UnavailableError("store: draining"));
  }
  background_.Wake();
}

void LocalBlockStore::AwaitRoomUnderCeiling(PutWaiters::Waiter waiter) {
  if (waiter.payload_bytes > ledger_.RuleOf(waiter.limit).max_bytes || !at_ceiling_.Add(waiter)) {
    waiter.ready(CeilingError(waiter.limit));
    return;
  }
  // As with those who wait for the tier.
  if (draining_.load(std::memory_order_relaxed)) {
    FailWaiters(absl::UnavailableError("store: draining"));
  }
  background_.Wake();
}

// Of the background: blocks of a namespace go for those of the same limit, and for no others.
size_t LocalBlockStore::ServeAtCeiling() {
  const int64_t now_ns = clock_->NowNanos();
  const auto excess_bytes = [this](const PutWaiters::Waiter& waiter) {
    return ledger_.ExcessWith(waiter.limit, waiter.payload_bytes);
  };
  return at_ceiling_.Serve(
      now_ns,
      [&](const PutWaiters::Waiter& waiter) -> absl::StatusOr<BlockBuffer> {
        if (index_.Contains(waiter.key)) {
          return absl::AlreadyExistsError("the block is here already");
        }
        if (const uint64_t excess = excess_bytes(waiter)) {
          migrator_.EvictUnder(waiter.limit, excess);
        }
        if (excess_bytes(waiter) > 0) return absl::ResourceExhaustedError("at its ceiling");
        return AllocateNow(waiter.payload_bytes);
      },
      [&](const PutWaiters::Waiter& waiter) {
        if (excess_bytes(waiter) == 0) return JudgePut(waiter);
        return now_ns < waiter.deadline_ns ? absl::OkStatus() : CeilingError(waiter.limit);
      },
      [&](const PutWaiters::Waiter& waiter, const absl::Status& answer) {
        if (absl::IsOutOfRange(answer)) {
          removals_.Remember(waiter.key, MissReason::kOverQuota, now_ns);
        } else if (absl::IsResourceExhausted(answer) || absl::IsFailedPrecondition(answer)) {
          removals_.Remember(waiter.key, MissReason::kNotAdmitted, now_ns);
        }
      });
}

absl::Status LocalBlockStore::CeilingError(uint16_t limit) const {
  const NamespaceLimitRule& rule = ledger_.RuleOf(limit);
  return absl::OutOfRangeError(absl::StrCat("DRAM tier: ", ledger_.BytesUnder(limit), " of ",
                                            rule.max_bytes, " bytes of namespace limit \"",
                                            rule.name, "\" in use"));
}

void LocalBlockStore::FailWaiters(const absl::Status& status) {
  waiters_.FailAll(status);
  at_ceiling_.FailAll(status);
}

// Of the background: asks the policy.
size_t LocalBlockStore::ServeWaiters() {
  return waiters_.Serve(
      clock_->NowNanos(),
      [this](const PutWaiters::Waiter& waiter) -> absl::StatusOr<BlockBuffer> {
        if (index_.Contains(waiter.key)) {
          return absl::AlreadyExistsError("the block is here already");
        }
        return AllocateNow(waiter.payload_bytes);
      },
      [this](const PutWaiters::Waiter& waiter) { return JudgePut(waiter); },
      [this](const PutWaiters::Waiter& waiter, const absl::Status& answer) {
        demand_.Unwant(waiter.payload_bytes);
        if (absl::IsResourceExhausted(answer) || absl::IsFailedPrecondition(answer)) {
          removals_.Remember(waiter.key, MissReason::kNotAdmitted, clock_->NowNanos());
        }
      });
}

absl::Status LocalBlockStore::JudgePut(const PutWaiters::Waiter& waiter) {
  // Open buffers are in the way, and no block.
  if (arena_->HasRoom(waiter.payload_bytes)) return absl::OkStatus();
  if (migrator_.IsWorthItsPlace(waiter.key)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "DRAM tier: the block is worth less than what it would push out");
}

PutOutcome LocalBlockStore::Commit(const NamespaceRef& ns, PutBlock block,
                                   const RequestAttributes& attributes) {
  HL_CHECK(block.address.identity.ns == ns->id);
  const Category category = categories_.CategoryOf(attributes, &ns->descriptor);
  const uint64_t payload_bytes = block.buffer ? block.buffer.bytes().size() : 0;
  PutOutcome outcome = PutOutcome::kStored;
  if (draining_.load(std::memory_order_relaxed) || namespaces_.Find(ns->id) != ns) {
    outcome = PutOutcome::kRefusedNotAdmitted;  // nobody could read it
  } else if (payload_bytes != ns->descriptor.block_bytes ||
             (block.computed ? *block.computed
                             : PayloadChecksum(block.address.identity, block.buffer.bytes())) !=
                 block.checksum) {
    outcome = PutOutcome::kRefusedChecksum;
  } else {
    outcome = Publish(std::move(block), category);
  }
  StoreCounters::Add(
      counters_.RequestsOf(ns->model, category).put_blocks[static_cast<int>(outcome)]);
  if (outcome == PutOutcome::kStored) {
    StoreCounters::Add(counters_.categories[category].put_bytes, payload_bytes);
  }
  if (!waiters_.empty() || !at_ceiling_.empty()) background_.Wake();  // a buffer less is open
  return outcome;
}

PutOutcome LocalBlockStore::Publish(PutBlock block, Category category) {
  BlockHeader header;
  header.identity = block.address.identity;
  header.payload_bytes = block.buffer.bytes().size();
  header.checksum = block.checksum;
  header.depth = block.depth;
  BlockRef sealed = std::move(block.buffer).Seal(header);
  HL_KILLPOINT("put.after_seal");

  NewBlock entry;
  entry.address = block.address;
  entry.parent = block.parent;
  entry.depth = block.depth;
  entry.category = category;
  entry.last_touch_ns = entry.born_ns = clock_->NowNanos();
  const Digest128& prefix = block.address.key.ns;
  if (!ledger_.ArriveBelowCeiling(prefix, header.payload_bytes)) {
    return PutOutcome::kRefusedOverQuota;  // others under its limit came first
  }
  const BlockIndex::PutResult put = index_.InsertIfAbsent(entry, std::move(sealed));
  if (!put.stored) {
    ledger_.Left(prefix, header.payload_bytes);
    const bool other = put.existing && put.existing.checksum() != block.checksum;
    return other ? PutOutcome::kDuplicateOtherBytes : PutOutcome::kDuplicate;
  }
  HL_KILLPOINT("put.after_publish");
  const RemovalMemory::Removal before = removals_.Forget(block.address.key, entry.born_ns);
  if (WasGivenUp(before.reason)) {
    counters_.categories[category].evict_reuse_gap_ms.Record(before.age_s * kMillisPerSecond);
  }
  changes_.PushPut(block.address.key);
  return PutOutcome::kStored;
}

void LocalBlockStore::CountPut(const NamespaceRef& ns, const RequestAttributes& attributes,
                               PutOutcome outcome) {
  StoreCounters::Requests& counters =
      counters_.RequestsOf(ns->model, categories_.CategoryOf(attributes, &ns->descriptor));
  StoreCounters::Add(counters.put_blocks[static_cast<int>(outcome)]);
}

// --- Delete

uint64_t LocalBlockStore::DeleteChain(const ChainSlice& chain, PartRange parts) {
  HL_KILLPOINT("delete.before");
  uint64_t count = 0;
  std::vector<BlockKey> keys;
  std::vector<RemovedBlock> removed;
  const auto finish = [&] {
    FinishDelete(removed);
    migrator_.writer().AwaitWritesOf(keys);
    if (ssd_ != nullptr) ssd_->Forget(keys);
    count += removed.size();
    keys.clear();
    removed.clear();
  };
  // Tails first: whoever looks meanwhile finds a shorter chain and no hole.
  for (size_t i = chain.hashes.size(); i-- > 0;) {
    for (uint16_t p = 0; p < parts.count; ++p) {
      keys.push_back(
          AddressOf(chain, static_cast<uint32_t>(i), static_cast<uint16_t>(parts.first + p)).key);
      if (auto one = index_.Remove(keys.back())) removed.push_back(*std::move(one));
      if (keys.size() == kDeleteBatch) finish();
    }
  }
  finish();
  HL_KILLPOINT("delete.after");
  return count;
}

uint64_t LocalBlockStore::DeleteNamespace(const NamespaceRef& ns) {
  namespaces_.Forget(ns);
  uint64_t count = 0;
  for (int shard = 0; shard < BlockIndex::kShards; ++shard) {
    const std::vector<RemovedBlock> removed = index_.RemoveNamespace(ns->keys.ns(), shard);
    FinishDelete(removed);
    count += removed.size();
  }
  migrator_.writer().AwaitWritesIn(ns->keys.ns());
  if (ssd_ != nullptr) {
    ssd_->DeleteNamespace(ns->id, ns->keys.ns());
    namespaces_.SaveAgain(ns->id);  // somebody may have opened it again meanwhile
  }
  ledger_.Close(ns->keys.ns());
  // The same: either this or who opened it comes last, and both say that it is open.
  if (namespaces_.Find(ns->id) != nullptr) ledger_.Open(ns->keys.ns(), ns->descriptor);
  return count;
}

void LocalBlockStore::FinishDelete(absl::Span<const RemovedBlock> removed) {
  std::vector<BlockKey> changed;
  std::vector<SsdErase> erases;
  for (const RemovedBlock& one : removed) {
    const IndexedBlock& block = one.block;
    changed.push_back(block.facts.key);
    const int64_t now_ns = clock_->NowNanos();
    removals_.Remember(block.facts.key, MissReason::kExpired, now_ns);
    counters_.RecordEnd(block, now_ns, false);
    if (block.in_dram) counters_.CountEvicted(Tier::kDram, EvictReason::kDeleted, block);
    if (!block.ssd) continue;
    counters_.CountEvicted(Tier::kSsd, EvictReason::kDeleted, block);
    erases.push_back({block.facts.key, *block.ssd});
  }
  if (!changed.empty()) changes_.PushChanged(changed);
  if (!erases.empty()) ssd_->Erase(erases);
}

}  // namespace halflife
