#include "storage/tiers/rocks_options.h"

#include <algorithm>

#include "rocksdb/cache.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "rocksdb/write_buffer_manager.h"
#include "storage/tiers/erased_payloads.h"
#include "storage/tiers/rocks_logger.h"

namespace halflife {
namespace {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;

constexpr uint64_t kBlockCacheBytes = 8 * kMiB;
constexpr uint64_t kManifestBytes = 128 * kKiB;  // a new one replaces it beyond this size
// Two MANIFESTs, two or three OPTIONS files of 7 KiB, CURRENT, IDENTITY, LOCK, the directory.
constexpr uint64_t kSmallFilesBytes = 2 * kManifestBytes + 64 * kKiB;

std::shared_ptr<rocksdb::TableFactory> TableFactoryFor(const RocksShared& shared) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.block_cache = shared.cache;
  table.cache_index_and_filter_blocks = true;  // else their memory would not be in the bound
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  // No readahead of RocksDB's own, here and in compactions: over a table file that was cut, its
  // buffer is left with a length that is no multiple of the alignment, and where RocksDB is built
  // with asserts, as in Debian, the next read kills the process (file/file_prefetch_buffer.cc:45 of
  // 7.8.3). Without it the same damage is an error. The kernel reads ahead anyway.
  table.initial_auto_readahead_size = 0;
  table.max_auto_readahead_size = 0;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

}  // namespace

RocksSizes RocksSizes::ForQuota(uint64_t quota_bytes, int partitions) {
  RocksSizes sizes;
  const uint64_t share = quota_bytes / static_cast<uint64_t>(partitions);
  // A flush waits for the disk three times, so a large tier gets larger buffers: with 1 MiB,
  // 100,000 commits a second were too many for one disk.
  sizes.write_buffer_bytes = std::max(std::clamp<uint64_t>(share / 64, 64 * kKiB, kMiB),
                                      std::min<uint64_t>(share / 1024, 4 * kMiB));
  sizes.table_file_bytes = 2 * sizes.write_buffer_bytes;
  sizes.compaction_bytes = 16 * sizes.write_buffer_bytes;
  // Two WALs and two flushes of one write buffer each.
  sizes.partition_fixed_bytes = 4 * sizes.write_buffer_bytes + kSmallFilesBytes;
  sizes.shared_fixed_bytes = 24 * sizes.write_buffer_bytes;
  return sizes;
}

RocksShared RocksShared::Create(rocksdb::Env* env, const Clock& clock, const RocksSizes& sizes,
                                int partitions) {
  RocksShared shared;
  shared.env = env;
  shared.sizes = sizes;
  rocksdb::LRUCacheOptions cache;
  cache.capacity = kBlockCacheBytes;
  cache.num_shard_bits = 1;
  cache.strict_capacity_limit = true;
  shared.cache = rocksdb::NewLRUCache(cache);
  shared.write_buffers = std::make_shared<rocksdb::WriteBufferManager>(
      sizes.write_buffer_bytes * static_cast<uint64_t>(partitions));
  shared.figures = std::make_shared<RocksFigures>(clock);
  return shared;
}

rocksdb::Options RocksOptionsFor(const RocksShared& shared, const std::string& name) {
  const RocksSizes& sizes = shared.sizes;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = shared.env;
  options.info_log = std::make_shared<RocksLogger>(name);  // rocks_logger.h says why
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.listeners.push_back(std::make_shared<RocksListener>(shared.figures));

  options.paranoid_checks = true;
  options.paranoid_file_checks = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.max_bgerror_resume_count = 0;  // after an error the partition is reopened, never resumed

  options.write_buffer_size = sizes.write_buffer_bytes;
  options.max_write_buffer_number = 2;
  options.write_buffer_manager = shared.write_buffers;
  // Every write looks for an entry that it replaces, mostly in vain: a hash then, instead of a
  // search in a list that the payload has pushed out of the caches.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.max_total_wal_size = 2 * sizes.write_buffer_bytes;
  // In the whole process: a compaction at a time, for its room is reserved once, and two flushes,
  // for one mostly waits for the disk.
  options.max_background_compactions = 1;
  options.max_background_flushes = 2;
  options.max_open_files = 64;
  options.max_file_opening_threads = 1;
  options.table_cache_numshardbits = 2;

  options.target_file_size_base = sizes.table_file_bytes;
  options.max_bytes_for_level_base = 4 * sizes.table_file_bytes;
  options.level_compaction_dynamic_level_bytes =
      true;  // space amplification of 1.1 instead of more
  options.level0_file_num_compaction_trigger = 2;
  options.max_compaction_bytes = sizes.compaction_bytes;
  options.compaction_readahead_size = 0;          // TableFactoryFor says why
  options.compression = rocksdb::kNoCompression;  // keys and payload are incompressible
  options.table_properties_collector_factories.push_back(CompactErasedPayloads(kPayloadKind));

  // Preallocated WAL and MANIFEST would take room that the quota does not know of.
  options.allow_fallocate = false;
  options.max_manifest_file_size = kManifestBytes;
  options.manifest_preallocation_size = 4 * kKiB;
  options.keep_log_file_num = 1;
  options.recycle_log_file_num = 0;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.delete_obsolete_files_period_micros = 0;  // a full scan with each flush: space is exact
  options.table_factory = TableFactoryFor(shared);
  return options;
}

}  // namespace halflife
