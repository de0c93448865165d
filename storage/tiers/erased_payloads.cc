#include "storage/tiers/erased_payloads.h"

#include <cstdint>

namespace halflife {
namespace {

class Collector final : public rocksdb::TablePropertiesCollector {
 public:
  explicit Collector(char payload_kind) : payload_kind_(payload_kind) {}

  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& /*value*/,
                             rocksdb::EntryType type, rocksdb::SequenceNumber /*number*/,
                             uint64_t /*file_bytes*/) override {
    ++entries_;
    if (type == rocksdb::kEntryDelete && !key.empty() && key[0] == payload_kind_) ++erased_;
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* /*properties*/) override {
    return rocksdb::Status::OK();
  }
  rocksdb::UserCollectedProperties GetReadableProperties() const override { return {}; }
  const char* Name() const override { return "halflife.ErasedPayloads"; }
  bool NeedCompact() const override { return erased_ > 0 && erased_ * 4 >= entries_; }

 private:
  const char payload_kind_;
  uint64_t entries_ = 0;
  uint64_t erased_ = 0;
};

class Factory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  explicit Factory(char payload_kind) : payload_kind_(payload_kind) {}

  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context /*context*/) override {
    return new Collector(payload_kind_);  // RocksDB deletes it
  }
  const char* Name() const override { return "halflife.ErasedPayloads"; }

 private:
  const char payload_kind_;
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> CompactErasedPayloads(char payload_kind) {
  return std::make_shared<Factory>(payload_kind);
}

}  // namespace halflife
