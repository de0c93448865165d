#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "rocksdb/options.h"
#include "storage/tiers/rocks_figures.h"

namespace halflife {

// Sizes of the tier's databases, derived from the quota and shared by all partitions: small quotas
// get small write buffers, so that the fixed room RocksDB needs stays a small part of any quota.
//
// Memory of all partitions together, bounded: partitions x 2 write buffers (at most 16 MiB with 8
// partitions; 64 MiB from a quota of 32 GiB on), the block cache (8 MiB, strict), table readers of
// at most 64 files a partition, and one compaction's buffers. The write buffer limit below only
// makes flushes earlier.
struct RocksSizes {
  uint64_t write_buffer_bytes = 0;     // of one partition: 64 KiB to 4 MiB
  uint64_t table_file_bytes = 0;       // of one SST file
  uint64_t compaction_bytes = 0;       // input of one compaction
  uint64_t partition_fixed_bytes = 0;  // WAL, unflushed output, MANIFEST, OPTIONS of one partition
  uint64_t shared_fixed_bytes =
      0;  // output of the one compaction that runs at a time in the process

  static RocksSizes ForQuota(uint64_t quota_bytes, int partitions);
};

// What the partitions of one tier share.
struct RocksShared {
  rocksdb::Env* env = nullptr;  // borrowed
  RocksSizes sizes;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<rocksdb::WriteBufferManager> write_buffers;
  std::shared_ptr<RocksFigures> figures;

  // Borrows `env` and `clock`.
  static RocksShared Create(rocksdb::Env* env, const Clock& clock, const RocksSizes& sizes,
                            int partitions);
};

// First byte of the keys whose values are inline payloads.
inline constexpr char kPayloadKind = 'p';

// Options of one partition's database; every deviation from RocksDB's default has its reason beside
// it.
rocksdb::Options RocksOptionsFor(const RocksShared& shared, const std::string& name);

}  // namespace halflife
