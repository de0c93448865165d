#include "storage/tiers/rocks_ssd_tier.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "rocksdb/cache.h"
#include "rocksdb/env.h"
#include "storage/tiers/slot_rings.h"
#include "storage/tiers/slot_threads.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_block_mover.h"
#include "storage/tiers/ssd_block_reader.h"
#include "storage/tiers/ssd_block_writer.h"
#include "storage/tiers/ssd_context.h"
#include "storage/tiers/ssd_directory.h"
#include "storage/tiers/ssd_fan_out.h"
#include "storage/tiers/ssd_namespaces.h"
#include "storage/tiers/ssd_seams.h"

namespace halflife {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kSmallestFileBytes = 4 * kMiB;
constexpr uint64_t kLargestFileBytes = 256 * kMiB;
constexpr uint64_t kMostInlineBytes = 64 << 10;
// A ring for each of the server's I/O threads, the migrator and one more.
constexpr int kRingsBesideIoThreads = 2;
// Without io_uring a thread waits for each transfer: as many as the device is to have at a time.
constexpr int kThreadsWithoutRings = 8;
constexpr absl::Duration kShortestTimeout = absl::Milliseconds(10);
constexpr absl::Duration kLongestTimeout = absl::Minutes(1);
// Between two requests for compaction: while blocks are refused for want of one, and for mere
// tidiness.
constexpr absl::Duration kUrgentCompactionInterval = absl::Seconds(1);
constexpr absl::Duration kCompactionInterval = absl::Seconds(30);

// About 64 files, so that one file is a small part of the quota when it is lost or changes its
// class; never more than about 1,024, for each is an open descriptor.
uint64_t FileBytesFor(uint64_t quota_bytes) {
  const uint64_t wanted = std::clamp(quota_bytes / 64, kSmallestFileBytes, kLargestFileBytes);
  return std::max(wanted, quota_bytes / 1024);
}

uint64_t FixedBytes(const RocksSizes& sizes, int partitions) {
  return sizes.partition_fixed_bytes * static_cast<uint64_t>(partitions) + sizes.shared_fixed_bytes;
}

// Databases of a former configuration with more partitions.
void RemoveForeignPartitions(const std::string& root, int partitions) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(root);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::vector<absl::string_view> parts = absl::StrSplit(name, absl::ByAnyChar("-."));
    int number = 0;
    if (parts.size() < 2 || parts[0] != "partition" || !absl::SimpleAtoi(parts[1], &number))
      continue;
    if (number < partitions) continue;
    Log(Severity::kWarning, "ssd",
        StrCat("removing ", name, ": there are ", partitions, " partitions now"));
    if (const absl::Status status = RemoveTree(StrCat(root, "/", name)); !status.ok()) {
      Log(Severity::kWarning, "ssd", ToStd(status.message()));
    }
  }
}

void StartPartitions(absl::Span<const std::unique_ptr<SsdPartition>> partitions,
                     Executor& executor) {
  const auto start = [&](size_t i) { partitions[i]->Start(); };
  const bool died = std::any_of(partitions.begin(), partitions.end(),
                                [](const auto& partition) { return partition->last_open_died(); });
  if (!died) return ForEachOn(executor, partitions.size(), start);
  // One by one, so that another death is counted against the partition that causes it and not
  // against those that were being opened beside it.
  Log(Severity::kWarning, "ssd",
      "the process died while it opened its partitions: opening them one by one");
  for (size_t i = 0; i < partitions.size(); ++i) start(i);
}

// Null where io_uring is switched off or not allowed.
std::unique_ptr<SlotRings> RingsIfPossible(const RocksSsdTier::Options& options, SlotIo& slot_io) {
  if (!options.io_uring) return nullptr;
  absl::StatusOr<std::unique_ptr<SlotRings>> rings =
      SlotRings::Create(slot_io, options.io_threads + kRingsBesideIoThreads);
  if (rings.ok()) return *std::move(rings);
  Log(Severity::kInfo, "ssd",
      StrCat(rings.status().message(), "; slot files are read and written by threads instead"));
  return nullptr;
}

}  // namespace

struct RocksSsdTier::Parts {
  Parts(const Options& options, std::unique_ptr<DirectoryLock> directory_lock, DramArena& arena,
        const Clock& clock, SlotIo& slot_io, std::unique_ptr<SlotRings> rings)
      : options(options),
        lock(std::move(directory_lock)),
        context{.arena = arena,
                .clock = clock,
                .inline_payload_max_bytes = options.inline_payload_max_bytes,
                .read_timeout = options.read_timeout,
                .write_timeout = options.write_timeout,
                .quota = SsdQuota(options.quota_bytes),
                .slots = SlotSpace({.directory = options.directory + "/slots",
                                    .file_bytes = FileBytesFor(options.quota_bytes),
                                    .direct_io = options.direct_io},
                                   slot_io, context.quota),
                .inline_space = InlineSpace(context.quota),
                .rocks = {},
                .partitions = {},
                .counters = {}},
        pool({.name = "hl-ssd",
              .threads = rings != nullptr ? options.io_threads
                                          : std::max(options.io_threads, kThreadsWithoutRings),
              .queue_limit = static_cast<size_t>(options.io_queue_limit)}),
        engine(std::move(rings)),
        namespaces(context),
        eraser(context),
        writer(context, eraser, EngineOver(slot_io)),
        reader(context, eraser, *engine, pool),
        mover(context, reader, writer) {}
  // Its tasks use all the rest.
  ~Parts() { pool.Drain(); }

  SlotEngine& EngineOver(SlotIo& slot_io) {
    if (engine == nullptr) engine = std::make_unique<SlotThreads>(slot_io, pool);
    return *engine;
  }

  void SettleInline();

  const Options options;
  const std::unique_ptr<DirectoryLock> lock;
  SsdContext context;
  ThreadPool pool;
  std::unique_ptr<SlotEngine> engine;
  SsdNamespaces namespaces;
  SsdBlockEraser eraser;
  SsdBlockWriter writer;
  SsdBlockReader reader;
  SsdBlockMover mover;
  absl::Duration last_compaction = -absl::InfiniteDuration();  // only Step
};

// --- Opening

uint64_t RocksSsdTier::MinimumQuotaBytes(int partitions) {
  return FixedBytes(RocksSizes::ForQuota(0, partitions), partitions) + 2 * kSmallestFileBytes;
}

absl::Status RocksSsdTier::Options::Validate() const {
  const auto bad = [](std::string_view field, uint64_t value, uint64_t low, uint64_t high) {
    return absl::InvalidArgumentError(
        StrCat("ssd ", field, ": ", value, " is not within ", low, " to ", high));
  };
  if (directory.empty()) return absl::InvalidArgumentError("ssd directory: is empty");
  if (partitions < 1 || partitions > kMaxPartitions) {
    return bad("partitions", static_cast<uint64_t>(std::max(partitions, 0)), 1, kMaxPartitions);
  }
  if (quota_bytes < MinimumQuotaBytes(partitions)) {
    return bad("quota_bytes", quota_bytes, MinimumQuotaBytes(partitions), UINT64_MAX);
  }
  if (inline_payload_max_bytes > kMostInlineBytes) {
    return bad("inline_payload_max_bytes", inline_payload_max_bytes, 0, kMostInlineBytes);
  }
  if (io_threads < 1 || io_threads > 64) {
    return bad("io_threads", static_cast<uint64_t>(std::max(io_threads, 0)), 1, 64);
  }
  for (const auto& [field, timeout] :
       {std::pair("read_timeout", read_timeout), std::pair("write_timeout", write_timeout)}) {
    if (timeout >= kShortestTimeout && timeout <= kLongestTimeout) continue;
    return absl::InvalidArgumentError(StrCat(
        "ssd ", field, ": ", absl::FormatDuration(timeout), " is not within ",
        absl::FormatDuration(kShortestTimeout), " to ", absl::FormatDuration(kLongestTimeout)));
  }
  if (io_queue_limit < 1 || io_queue_limit > 65536) {
    return bad("io_queue_limit", static_cast<uint64_t>(std::max(io_queue_limit, 0)), 1, 65536);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<RocksSsdTier>> RocksSsdTier::Open(const Options& options,
                                                                 DramArena& arena,
                                                                 const Clock& clock) {
  HL_RETURN_IF_ERROR(options.Validate());
  HL_RETURN_IF_ERROR(MakePrivateDirectory(options.directory));
  HL_ASSIGN_OR_RETURN(std::unique_ptr<DirectoryLock> lock, DirectoryLock::Take(options.directory));
  const SsdSeams seams = options.seams != nullptr ? *options.seams : SsdSeams{};
  SlotIo& slot_io = seams.slot_io != nullptr ? *seams.slot_io : SlotIo::Real();
  rocksdb::Env* const env = seams.rocks_env != nullptr ? seams.rocks_env : rocksdb::Env::Default();

  auto parts = std::make_unique<Parts>(options, std::move(lock), arena, clock, slot_io,
                                       RingsIfPossible(options, slot_io));
  SsdContext& context = parts->context;
  const RocksSizes sizes = RocksSizes::ForQuota(options.quota_bytes, options.partitions);
  context.rocks = RocksShared::Create(env, clock, sizes, options.partitions);
  context.quota.Take(FixedBytes(sizes, options.partitions));
  RemoveForeignPartitions(options.directory, options.partitions);
  HL_RETURN_IF_ERROR(context.slots.LoadFiles());
  for (int number = 0; number < options.partitions; ++number) {
    const SsdPartition::Place place{options.directory, number, options.partitions,
                                    options.quota_bytes};
    context.partitions.push_back(
        std::make_unique<SsdPartition>(place, context.rocks, context.slots, context.quota, clock));
  }
  StartPartitions(context.partitions, parts->pool);
  context.slots.FinishClaims();
  context.inline_space.Settle(context.InlineUse());
  parts->namespaces.Load();
  return std::unique_ptr<RocksSsdTier>(new RocksSsdTier(std::move(parts)));
}

RocksSsdTier::RocksSsdTier(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksSsdTier::~RocksSsdTier() = default;

void RocksSsdTier::Recover(const std::function<void(const Recovered&)>& found) {
  SsdContext& context = parts_->context;
  for (const std::unique_ptr<SsdPartition>& partition : context.partitions) {
    const SsdPartition::Use use = partition->use();
    if (use.index == nullptr) continue;
    std::vector<BlockKey> dropped;
    int64_t blocks = 0, block_bytes = 0;
    const absl::Status walked =
        use.index->ForEach([&](const BlockKey& key, const absl::StatusOr<SsdIndexEntry>& entry) {
          SsdLocation location;
          bool usable = entry.ok() && partition->IsHomeOf(key);
          if (usable) {
            location = {entry->file, entry->slot, entry->bytes,
                        static_cast<uint8_t>(partition->number()), use.generation};
            usable =
                entry->is_inline() || context.slots.Find(SsdContext::PlaceOf(location),
                                                         SlotOwner::Of(key, location)) != nullptr;
          }
          if (!usable && entry.ok() && partition->KeepsUnread(key, *entry)) return;
          if (!usable) return dropped.push_back(key);
          ++blocks;
          block_bytes += entry->bytes;
          found({key, location, entry->identity, entry->state});
        });
    if (!walked.ok()) Log(Severity::kWarning, "ssd", ToStd(walked.message()));
    use.contents->blocks = blocks;
    use.contents->block_bytes = block_bytes;
    if (dropped.empty()) continue;
    SsdCounters::Add(context.counters.entries_dropped, dropped.size());
    Log(Severity::kWarning, "ssd",
        StrCat("partition ", partition->number(), ": ", dropped.size(),
               " entries without a block dropped"));
    // Else the reopening erases them.
    if (use.writable) partition->NoteWriteFailure(use.index->Erase(dropped, dropped));
  }
}

// --- Blocks

std::vector<absl::StatusOr<SsdLocation>> RocksSsdTier::Write(absl::Span<const SsdWrite> writes) {
  return parts_->writer.Write(writes, SsdBlockWriter::Former::kReplace);
}

std::vector<absl::StatusOr<BlockRef>> RocksSsdTier::Read(absl::Span<const SsdRead> reads) {
  return parts_->reader.Read(reads);
}

void RocksSsdTier::Erase(absl::Span<const SsdErase> erases) {
  std::map<SsdPartition*, std::vector<SsdErase>> by_partition;
  for (const SsdErase& erase : erases) {
    SsdPartition* const partition = parts_->context.PartitionAt(erase.location);
    if (partition != nullptr) by_partition[partition].push_back(erase);
  }
  for (const auto& [partition, batch] : by_partition) parts_->eraser.Erase(*partition, batch);
}

void RocksSsdTier::Forget(absl::Span<const BlockKey> keys) {
  if (!parts_->context.slots.has_unopened()) return;
  std::map<SsdPartition*, std::vector<BlockKey>> by_partition;
  for (const BlockKey& key : keys) by_partition[&parts_->context.PartitionOf(key)].push_back(key);
  for (const auto& [partition, batch] : by_partition) parts_->eraser.Forget(*partition, batch);
}

// --- Namespaces

absl::Status RocksSsdTier::PutNamespace(const NamespaceId& id, const std::string& descriptor) {
  return parts_->namespaces.Put(id, descriptor);
}

void RocksSsdTier::DeleteNamespace(const NamespaceId& id, const Digest128& key_prefix) {
  parts_->namespaces.Forget(id);
  for (const std::unique_ptr<SsdPartition>& partition : parts_->context.partitions) {
    parts_->eraser.EraseNamespace(*partition, id, key_prefix);
  }
}

std::vector<std::string> RocksSsdTier::LoadNamespaces() { return parts_->namespaces.All(); }

// --- Room and upkeep

uint64_t RocksSsdTier::FreeBytesFor(uint64_t payload_bytes) const {
  const SsdContext& context = parts_->context;
  if (payload_bytes == 0) return 0;
  if (payload_bytes > context.inline_payload_max_bytes)
    return context.slots.FreeBytesFor(payload_bytes);
  const uint64_t room = context.quota.free_bytes() + context.slots.EmptyFileBytes() +
                        context.inline_space.UnusedBytes(context.InlineUse());
  return room / InlineSpace::ChargeFor(payload_bytes) * payload_bytes;
}

std::vector<SsdLocation> RocksSsdTier::WantedBack(size_t limit) {
  std::vector<SsdLocation> locations;
  for (const auto& [place, owner] : parts_->context.slots.WantedBack(limit)) {
    locations.push_back(
        {place.file, place.slot, owner.payload_bytes, owner.partition, owner.generation});
  }
  return locations;
}

std::vector<absl::StatusOr<SsdLocation>> RocksSsdTier::Move(absl::Span<const SsdMove> moves) {
  return parts_->mover.Move(moves);
}

void RocksSsdTier::Parts::SettleInline() {
  const InlineSpace::Use use = context.InlineUse();
  context.inline_space.Settle(use);
  const uint64_t live_bytes = use.live_charge_bytes + use.entry_charge_bytes;
  const bool urgent = context.compaction_wanted.load(std::memory_order_relaxed);
  const absl::Duration now = context.clock.Now();
  if (!urgent && use.table_bytes <= live_bytes + live_bytes / 4) return;
  if (now - last_compaction < (urgent ? kUrgentCompactionInterval : kCompactionInterval)) return;
  context.compaction_wanted.store(false, std::memory_order_relaxed);
  last_compaction = now;
  for (const std::unique_ptr<SsdPartition>& partition : context.partitions) {
    const SsdPartition::Use partition_use = partition->use();
    if (partition_use.writable) partition_use.index->SuggestCompaction();
  }
}

std::vector<uint8_t> RocksSsdTier::Generations() const {
  std::vector<uint8_t> generations;
  for (const std::unique_ptr<SsdPartition>& partition : parts_->context.partitions) {
    generations.push_back(partition->use().generation);
  }
  return generations;
}

bool RocksSsdTier::Step() {
  bool more = false;
  parts_->engine->Reap();
  for (const std::unique_ptr<SsdPartition>& partition : parts_->context.partitions) {
    partition->Step();
    more |= parts_->eraser.RetryDeferred(*partition);
  }
  parts_->namespaces.Step();
  parts_->SettleInline();
  more |= parts_->context.slots.Step();
  return more;
}

SsdTier::Stats RocksSsdTier::stats() const {
  const SsdContext& context = parts_->context;
  const SsdCounters& counters = context.counters;
  const SlotSpace::Stats slots = context.slots.stats();
  Stats stats;
  stats.quota_bytes = context.quota.limit_bytes();
  stats.used_bytes = slots.file_bytes;
  stats.read_bytes = counters.read_bytes;
  stats.written_bytes = counters.written_bytes;
  stats.reads_ok = counters.reads_ok;
  stats.reads_missing = counters.reads_missing;
  stats.reads_corrupt = counters.reads_corrupt;
  stats.reads_failed = counters.reads_failed;
  stats.writes_ok = counters.writes_ok;
  stats.writes_refused = counters.writes_refused;
  stats.writes_failed = counters.writes_failed;
  stats.entries_dropped = counters.entries_dropped;
  stats.queue_depth = counters.queue_depth;
  stats.blocks_moved = counters.blocks_moved;
  stats.uses_io_uring = parts_->engine->uses_io_uring();
  stats.device_reads = counters.device_reads;
  stats.device_writes = counters.device_writes;
  stats.timeouts = counters.timeouts;
  stats.stuck_transfers = parts_->engine->stuck_count();
  stats.durations.read_ns = counters.read_ns.snapshot();
  stats.durations.write_ns = counters.write_ns.snapshot();
  stats.durations.erase_ns = counters.erase_ns.snapshot();
  stats.durations.commit_ns = context.rocks.figures->commit_ns.snapshot();
  stats.database.block_cache_bytes = context.rocks.cache->GetUsage();
  context.rocks.figures->AddTo(stats.database);
  for (const std::unique_ptr<SsdPartition>& partition : context.partitions) {
    const SsdPartition::Use use = partition->use();
    stats.blocks += static_cast<uint64_t>(std::max<int64_t>(0, use.contents->blocks));
    stats.block_bytes += static_cast<uint64_t>(std::max<int64_t>(0, use.contents->block_bytes));
    stats.used_bytes += partition->quarantine_bytes();
    if (use.index != nullptr) {
      stats.used_bytes += use.index->table_bytes() + use.index->write_buffer_bytes();
      use.index->AddTo(stats.database);
    }
    stats.quarantines += partition->quarantines();
    stats.partitions_serving += use.index != nullptr ? 1 : 0;
    stats.partitions_read_only += use.index != nullptr && !use.writable ? 1 : 0;
  }
  return stats;
}

}  // namespace halflife
