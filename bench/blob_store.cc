#include "bench/blob_store.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"

namespace halflife::bench {
namespace {

void Check(const rocksdb::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "BlobDB: %s\n", status.ToString().c_str());
  std::exit(1);
}

std::array<char, 16> KeyBytes(uint64_t key) {
  std::array<char, 16> bytes{};
  const uint64_t head = (key + 1) * 0x9e3779b97f4a7c15;  // in no order
  std::memcpy(bytes.data(), &head, sizeof head);
  std::memcpy(bytes.data() + 8, &key, sizeof key);
  return bytes;
}

rocksdb::WriteOptions NoLog() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

}  // namespace

BlobStore::BlobStore(const std::string& directory) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.use_direct_reads = true;
  options.use_direct_io_for_flush_and_compaction = true;
  options.write_buffer_size = size_t{64} << 20;
  options.max_write_buffer_number = 4;
  options.max_background_jobs = 4;
  options.enable_blob_files = true;
  options.enable_blob_garbage_collection = true;
  options.blob_garbage_collection_age_cutoff = 0.25;
  options.blob_garbage_collection_force_threshold = 1.0;
  rocksdb::DB* db = nullptr;
  Check(rocksdb::DB::Open(options, directory, &db));
  db_.reset(db);
}

BlobStore::~BlobStore() = default;

void BlobStore::Put(uint64_t key, absl::Span<const uint8_t> payload, const Digest128& checksum) {
  const std::array<char, 16> name = KeyBytes(key);
  const rocksdb::Slice key_slice(name.data(), name.size());
  const std::array<rocksdb::Slice, 2> value = {
      rocksdb::Slice(reinterpret_cast<const char*>(checksum.data()), checksum.size()),
      rocksdb::Slice(reinterpret_cast<const char*>(payload.data()), payload.size())};
  rocksdb::WriteBatch batch;
  batch.Put(rocksdb::SliceParts(&key_slice, 1), rocksdb::SliceParts(value.data(), 2));
  Check(db_->Write(NoLog(), &batch));
}

void BlobStore::Erase(uint64_t key) {
  const std::array<char, 16> name = KeyBytes(key);
  Check(db_->Delete(NoLog(), rocksdb::Slice(name.data(), name.size())));
}

bool BlobStore::Get(uint64_t key, std::string* payload) {
  const std::array<char, 16> name = KeyBytes(key);
  rocksdb::ReadOptions options;
  options.verify_checksums = false;
  Check(db_->Get(options, rocksdb::Slice(name.data(), name.size()), payload));
  Digest128 checksum;
  if (payload->size() < checksum.size()) return false;
  std::memcpy(checksum.data(), payload->data(), checksum.size());
  return Xxh3_128(AsBytes(*payload).subspan(checksum.size()), key) == checksum;
}

void BlobStore::Flush() { Check(db_->Flush(rocksdb::FlushOptions())); }

}  // namespace halflife::bench
