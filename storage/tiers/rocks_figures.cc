#include "storage/tiers/rocks_figures.h"

#include <algorithm>

namespace halflife {
namespace {

void Add(std::atomic<uint64_t>& counter, uint64_t by) {
  counter.fetch_add(by, std::memory_order_relaxed);
}

}  // namespace

void RocksFigures::BeginStall(int64_t since_ns) {
  MutexLock lock(mutex_);
  ++running_stalls_;
  running_since_sum_ns_ += since_ns;
}

void RocksFigures::EndStall(int64_t since_ns) {
  const int64_t now_ns = NowNanos();
  MutexLock lock(mutex_);
  --running_stalls_;
  running_since_sum_ns_ -= since_ns;
  ended_stall_ns_ += now_ns - since_ns;
}

void RocksFigures::AddTo(SsdTier::Database& database) const {
  database.background_errors += background_errors;
  database.compactions += compactions;
  database.compaction_read_bytes += compaction_read_bytes;
  database.compaction_written_bytes += compaction_written_bytes;
  database.flushes += flushes;
  database.flush_written_bytes += flush_written_bytes;
  const int64_t now_ns = NowNanos();
  MutexLock lock(mutex_);
  const int64_t running_ns = running_stalls_ * now_ns - running_since_sum_ns_;
  database.stall_ns += static_cast<uint64_t>(std::max<int64_t>(0, ended_stall_ns_ + running_ns));
}

RocksListener::~RocksListener() { SetStalled(false); }

void RocksListener::OnFlushCompleted(rocksdb::DB* /*db*/, const rocksdb::FlushJobInfo& flush) {
  const rocksdb::TableProperties& table = flush.table_properties;
  Add(figures_->flushes, 1);
  Add(figures_->flush_written_bytes, table.data_size + table.index_size + table.filter_size);
}

void RocksListener::OnCompactionCompleted(rocksdb::DB* /*db*/,
                                          const rocksdb::CompactionJobInfo& job) {
  Add(figures_->compactions, 1);
  Add(figures_->compaction_read_bytes, job.stats.total_input_bytes);
  Add(figures_->compaction_written_bytes, job.stats.total_output_bytes);
}

void RocksListener::OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                                      rocksdb::Status* /*error*/) {
  Add(figures_->background_errors, 1);
}

void RocksListener::OnStallConditionsChanged(const rocksdb::WriteStallInfo& info) {
  SetStalled(info.condition.cur != rocksdb::WriteStallCondition::kNormal);
}

void RocksListener::SetStalled(bool stalled) {
  int64_t since_ns = figures_->NowNanos();
  {
    MutexLock lock(mutex_);
    if (stalled_ == stalled) return;
    stalled_ = stalled;
    if (stalled) {
      stalled_since_ns_ = since_ns;
    } else {
      since_ns = stalled_since_ns_;
    }
  }
  if (stalled) {
    figures_->BeginStall(since_ns);
  } else {
    figures_->EndStall(since_ns);
  }
}

}  // namespace halflife
