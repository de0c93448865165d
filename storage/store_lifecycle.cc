// LocalBlockStore: construction, recovery, background work, drain, figures.

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "common/log.h"
#include "common/status.h"
#include "storage/local_block_store.h"
#include "storage/residency/policy_factory.h"

namespace halflife {
namespace {

constexpr size_t kExpirePerStep = 64;
// Far above what any number of blocks needs. Ends a loop that an own bug would make endless.
constexpr int kMaxQuiesceSteps = 1 << 20;

ResidencyPolicyOptions PolicyOptionsOf(const BlockStore::Options& options,
                                       const NamespaceLedger* ledger) {
  ResidencyPolicyOptions policy = ParseResidencyPolicy(options.policy, options.objective).value();
  policy.keep_ssd_copies = options.write_budget_bytes_per_day > 0;
  policy.ledger = ledger->has_limits() ? ledger : nullptr;
  return policy;
}

}  // namespace

LocalBlockStore::LocalBlockStore(const Options& options, const TenantSecret& secret, Tiers tiers)
    : options_(options),
      clock_(tiers.clock),
      arena_(std::move(tiers.arena)),
      ssd_(std::move(tiers.ssd)),
      arena_budget_bytes_(arena_->stats().budget_bytes),
      max_put_bytes_(options.max_put_bytes > 0 ? options.max_put_bytes : arena_budget_bytes_ / 4),
      namespaces_(secret, ssd_.get()),
      ledger_(ParseNamespaceLimits(options.namespace_limits).value()),
      categories_(PinnedCategories::Parse(options.category_pins).value()),
      counters_(&ledger_),
      leases_({options.max_pinned_bytes > 0 ? options.max_pinned_bytes : arena_budget_bytes_ / 4}),
      // A tenth of DRAM, of which one namespace may have half.
      retained_(
          {.max_bytes = arena_budget_bytes_ / 10, .max_namespace_bytes = arena_budget_bytes_ / 20}),
      policy_(MakeResidencyPolicy(PolicyOptionsOf(options, &ledger_),
                                  ParseShadowPolicies(options.shadow_policies).value())),
      admission_({.write_budget_bytes_per_day = options.write_budget_bytes_per_day}, policy_.get()),
      migrator_({options.free_ahead_s, options.free_target_ratio},
                {&index_, arena_.get(), ssd_.get(), clock_, &removals_, &counters_, policy_.get(),
                 &admission_, &sample_, &ledger_},
                &changes_, &demand_),
      populator_({.stock_bytes = options.populate_stock_bytes,
                  .bytes_per_s = options.populate_bytes_per_s,
                  .gather_pages = ssd_ != nullptr},
                 arena_.get()),
      background_([this] { return Step(); }) {}

LocalBlockStore::~LocalBlockStore() {
  draining_.store(true);
  if (reporting_ != nullptr) reporting_->Stop();
  background_.Stop();
  FailWaiters(absl::UnavailableError("store: stopping"));
}

void LocalBlockStore::StartBackground() {
  background_.Start(options_.step_interval);
  reporting_ = std::make_unique<PeriodicTask>("hl-report", options_.report_interval, [this] {
    RefreshReport();
    return false;
  });
  populator_.Start();
}

void LocalBlockStore::Recover() {
  if (ssd_ == nullptr) return;
  namespaces_.Load();
  for (const NamespaceRef& ns : namespaces_.All()) {
    arena_->Expect(ns->descriptor.block_bytes);
    ledger_.Open(ns->keys.ns(), ns->descriptor);
  }
  struct Found {
    uint32_t idle_s;
    uint32_t depth;
    BlockKey key;
  };
  std::vector<Found> found;
  std::vector<SsdErase> orphans;
  const int64_t now_ns = clock_->NowNanos();
  ssd_->Recover([&](const SsdTier::Recovered& block) {
    const NamespaceRef ns = namespaces_.Find(block.identity.ns);
    const BlockIdentity& identity = block.identity;
    NewBlock entry;
    entry.address = {identity, block.key};
    entry.parent = block.state.parent;
    entry.depth = block.state.depth;
    entry.category = CategoryTable::Persisted(block.state.category);
    entry.hits = block.state.hits;
    entry.last_touch_ns = now_ns - absl::ToInt64Nanoseconds(absl::Seconds(block.state.idle_s));
    entry.born_ns = entry.last_touch_ns;
    // Without its namespace, or under another secret, nobody can ask for it any more.
    if (ns == nullptr ||
        ns->keys.KeyOf(identity.hash, identity.group, identity.part) != block.key ||
        !index_.RestoreOnSsd(entry, block.location)) {
      orphans.push_back({block.key, block.location});
      return;
    }
    found.push_back({block.state.idle_s, block.state.depth, block.key});
  });
  ssd_->Erase(orphans);
  // The policy takes them in the order in which they may go: longest idle first, tails before
  // heads.
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return a.idle_s != b.idle_s ? a.idle_s > b.idle_s : a.depth > b.depth;
  });
  for (const Found& block : found) migrator_.Reconcile(block.key);
  if (found.empty() && orphans.empty()) return;
  Log(Severity::kInfo, "store",
      absl::StrCat(found.size(), " blocks found on SSD, ", orphans.size(), " without a namespace"));
}

bool LocalBlockStore::Step() {
  bool more = leases_.ExpireSome(clock_->NowNanos(), kExpirePerStep);
  migrator_.ApplyChanges();  // what those who wait have looked up
  size_t answered = ServeAtCeiling() + ServeWaiters();
  more |= migrator_.Step();
  answered += ServeAtCeiling() + ServeWaiters();
  namespaces_.SaveUnsaved();
  return more || (answered > 0 && !(waiters_.empty() && at_ceiling_.empty()));
}

void LocalBlockStore::Quiesce() {
  background_.RunAlone([this] {
    int steps = 0;
    do {
      migrator_.ForgetSkips();
      while (Step() && ++steps < kMaxQuiesceSteps) {
      }
    } while (migrator_.SweepAll() > 0 && ++steps < kMaxQuiesceSteps);
  });
}

void LocalBlockStore::Drain(absl::Duration budget) {
  draining_.store(true);
  FailWaiters(absl::UnavailableError("store: draining"));
  if (reporting_ != nullptr) reporting_->Stop();
  background_.Stop();
  const Clock& clock = Clock::Real();
  const int64_t deadline_ns = clock.NowNanos() + absl::ToInt64Nanoseconds(budget);
  background_.RunAlone([&] {
    // Those that the last step had in its hands.
    FailWaiters(absl::UnavailableError("store: draining"));
    migrator_.Drain(clock, deadline_ns);
  });
}

absl::StatusOr<NamespaceRef> LocalBlockStore::OpenNamespace(const NamespaceDescriptor& descriptor) {
  HL_RETURN_IF_ERROR(descriptor.Validate());
  HL_RETURN_IF_ERROR(CheckBlockBytes(descriptor.block_bytes));
  arena_->Expect(descriptor.block_bytes);
  HL_ASSIGN_OR_RETURN(NamespaceRef ns, namespaces_.Open(descriptor));
  ledger_.Open(ns->keys.ns(), descriptor);
  return ns;
}

NamespaceRef LocalBlockStore::FindNamespace(const NamespaceId& id) const {
  return namespaces_.Find(id);
}

std::vector<NamespaceRef> LocalBlockStore::Namespaces() const { return namespaces_.All(); }

NamespaceLimitStats LocalBlockStore::StatsOfLimit(uint16_t limit) const {
  const NamespaceLimitRule& rule = ledger_.RuleOf(limit);
  return {.name = rule.name,
          .used_bytes = ledger_.BytesUnder(limit),
          .min_bytes = rule.min_bytes,
          .max_bytes = rule.max_bytes == UINT64_MAX ? 0 : rule.max_bytes};
}

std::optional<BlockStore::LimitedUse> LocalBlockStore::UseUnderLimit(const NamespaceRef& ns) const {
  const uint16_t limit = ledger_.LimitOf(ns->keys.ns());
  if (limit == NamespaceLedger::kNoLimit) return std::nullopt;
  return LimitedUse{ledger_.BytesOf(ns->keys.ns()), StatsOfLimit(limit)};
}

std::vector<std::string> LocalBlockStore::CategoryNames() const { return categories_.Names(); }

StoreStats LocalBlockStore::stats() const {
  StoreStats stats;
  stats.dram = arena_->stats();
  stats.populated_bytes = populator_.populated_bytes();
  stats.gathered_bytes = populator_.gathered_bytes();
  stats.has_ssd = ssd_ != nullptr;
  if (ssd_ != nullptr) {
    stats.ssd = ssd_->stats();
    stats.admission.budget_bytes_per_day = options_.write_budget_bytes_per_day;
  }
  counters_.CopyTo(&stats, categories_.Names(), namespaces_.ModelNames());
  const BlockIndex::Totals totals = index_.totals();
  stats.resident_blocks = totals.blocks;
  stats.resident_bytes = totals.bytes;
  stats.index_entries = totals.entries;
  for (uint16_t limit = 1; limit < ledger_.limits(); ++limit) {
    stats.namespace_limits.push_back(StatsOfLimit(limit));
  }
  for (size_t i = 0; i < stats.categories.size(); ++i) {
    stats.categories[i].resident_blocks = totals.category_blocks[i];
  }
  const LeaseTable::Stats leases = leases_.stats();
  stats.leases = leases.leases;
  stats.leased_bytes = leases.bytes;
  stats.leases_expired = leases.expired;
  stats.retained_bytes = retained_.bytes(clock_->NowNanos());
  stats.shared_leases = leases.owned_leases;
  stats.shared_leased_bytes = leases.owned_bytes;
  stats.put_buffer_bytes = arena_->unsealed_bytes();
  stats.touch_events_dropped = changes_.touches_dropped();
  return stats;
}

std::string LocalBlockStore::CheckConservation() const {
  uint64_t dram_arena_bytes = 0, dram_blocks = 0;
  for (int shard = 0; shard < BlockIndex::kShards; ++shard) {
    for (const auto& [key, block] : index_.DramCopies(shard)) {
      dram_arena_bytes += block.arena_bytes();
      ++dram_blocks;
    }
  }
  std::array<uint64_t, kTierCount> blocks{}, bytes{};
  index_.ForEachBlock([&](const IndexedBlock& block) {
    blocks[0] += block.in_dram ? 1 : 0;
    bytes[0] += block.in_dram ? block.facts.bytes : 0;
    blocks[1] += block.ssd ? 1 : 0;
    bytes[1] += block.ssd ? block.ssd->bytes : 0;
  });

  std::string differences;
  const auto expect_equal = [&](const char* what, uint64_t a, uint64_t b) {
    if (a != b) absl::StrAppend(&differences, what, ": ", a, " != ", b, "; ");
  };
  const BlockIndex::Totals totals = index_.totals();
  const DramArena::Stats arena = arena_->stats();
  expect_equal("DRAM bytes of index and its leftovers, of arena",
               dram_arena_bytes + LeftoverBytes(), arena.allocated_bytes);
  expect_equal("DRAM blocks of index, of its total", blocks[0], totals.blocks[0]);
  expect_equal("DRAM payload of index, of its total", bytes[0], totals.bytes[0]);
  if (ledger_.has_limits()) {
    uint64_t ledger_bytes = 0;
    for (uint16_t limit = 0; limit < ledger_.limits(); ++limit) {
      ledger_bytes += ledger_.BytesUnder(limit);
    }
    expect_equal("DRAM payload of index, of its namespaces", bytes[0], ledger_bytes);
  }
  expect_equal("SSD blocks of index, of its total", blocks[1], totals.blocks[1]);
  expect_equal("SSD payload of index, of its total", bytes[1], totals.bytes[1]);
  if (ssd_ != nullptr) {
    const SsdTier::Stats ssd = ssd_->stats();
    expect_equal("SSD blocks of index, of tier", blocks[1], ssd.blocks);
    expect_equal("SSD payload of index, of tier", bytes[1], ssd.block_bytes);
  }
  return differences;
}

// Bytes under leases whose block is no longer in the index, and those of open Put buffers.
uint64_t LocalBlockStore::LeftoverBytes() const {
  uint64_t bytes = arena_->unsealed_bytes();
  absl::flat_hash_set<const uint8_t*> seen;
  for (const std::shared_ptr<const LeasedBlocks>& lease : leases_.All()) {
    for (const BlockRef& block : lease->blocks) {
      if (!block || !seen.insert(block.payload().data()).second) continue;
      const BlockIdentity identity = block.header().identity;
      const BlockRef indexed =
          index_.DramCopy(lease->ns->keys.KeyOf(identity.hash, identity.group, identity.part));
      if (!indexed || indexed.payload().data() != block.payload().data()) {
        bytes += block.arena_bytes();
      }
    }
  }
  return bytes;
}

}  // namespace halflife
