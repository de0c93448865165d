#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/mutex.h"
#include "rocksdb/listener.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// What the databases of one tier did since start, across reopenings, which RocksDB's own counters
// do not survive. Thread-safe; borrows the clock.
class RocksFigures {
 public:
  explicit RocksFigures(const Clock& clock) : clock_(clock) {}

  // The part of `database` that counts since start.
  void AddTo(SsdTier::Database& database) const;

  int64_t NowNanos() const { return clock_.NowNanos(); }
  Histogram commit_ns;
  std::atomic<uint64_t> background_errors{0};
  std::atomic<uint64_t> compactions{0}, compaction_read_bytes{0}, compaction_written_bytes{0};
  std::atomic<uint64_t> flushes{0}, flush_written_bytes{0};

  // A partition begins to slow or stop writes at `since_ns`; each begin has one end.
  void BeginStall(int64_t since_ns);
  void EndStall(int64_t since_ns);

 private:
  const Clock& clock_;

  mutable Mutex mutex_;
  int64_t ended_stall_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t running_stalls_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t running_since_sum_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Counts for one open database. RocksDB calls it from its own threads.
class RocksListener final : public rocksdb::EventListener {
 public:
  explicit RocksListener(std::shared_ptr<RocksFigures> figures) : figures_(std::move(figures)) {}
  // The database is closed: a stall ends with it.
  ~RocksListener() override;

  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo& flush) override;
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& job) override;
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) override;

 private:
  void SetStalled(bool stalled);

  const std::shared_ptr<RocksFigures> figures_;

  Mutex mutex_;
  bool stalled_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t stalled_since_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
