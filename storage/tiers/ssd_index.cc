#include "storage/tiers/ssd_index.h"

#include <array>
#include <cstring>

#include "absl/strings/numbers.h"
#include "common/status.h"
#include "common/strings.h"
#include "rocksdb/db.h"
#include "rocksdb/experimental.h"
#include "rocksdb/sst_file_manager.h"
#include "rocksdb/write_batch.h"
#include "storage/tiers/rocks_status.h"

namespace halflife {
namespace {

constexpr char kEntry = 'e', kPayload = kPayloadKind, kNamespace = 'n';
constexpr std::string_view kLayoutKey = "m/layout";
constexpr size_t kBlockKeyBytes = 32;

std::string RocksKey(char kind, std::string_view rest) {
  return StrCat(std::string_view(&kind, 1), rest);
}

std::string RocksKey(char kind, const BlockKey& key) {
  return StrCat(std::string_view(&kind, 1), AsText(key.ns), AsText(key.block));
}

// The smallest key after all that begin with `prefix`; a prefix here never is all 0xff, its kind
// byte is a letter.
std::string EndOf(std::string prefix) {
  while (static_cast<uint8_t>(prefix.back()) == 0xff) prefix.pop_back();
  ++prefix.back();
  return prefix;
}

rocksdb::ReadOptions VerifiedRead() {
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  return options;
}

rocksdb::Slice Slice(absl::Span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

absl::Span<const uint8_t> Bytes(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const uint8_t*>(slice.data()), slice.size()};
}

}  // namespace

SsdIndex::SsdIndex(std::string name, Access access, std::shared_ptr<rocksdb::SstFileManager> files,
                   std::shared_ptr<RocksFigures> figures)
    : name_(std::move(name)),
      access_(access),
      files_(std::move(files)),
      figures_(std::move(figures)) {}

SsdIndex::~SsdIndex() = default;

absl::StatusOr<std::shared_ptr<SsdIndex>> SsdIndex::Open(const Place& place,
                                                         const RocksShared& shared, Access access) {
  const std::string name = StrCat("partition ", place.partition);
  rocksdb::Options options = RocksOptionsFor(shared, name);
  rocksdb::Status status;
  options.sst_file_manager.reset(
      rocksdb::NewSstFileManager(shared.env, options.info_log, "", 0, true, &status));
  HL_RETURN_IF_ERROR(FromRocks(status, name));
  options.sst_file_manager->SetMaxAllowedSpaceUsage(place.quota_bytes / 2);

  std::shared_ptr<SsdIndex> index(
      new SsdIndex(name, access, options.sst_file_manager, shared.figures));
  rocksdb::DB* db = nullptr;
  if (access == Access::kRead) {
    options.create_if_missing = false;
    status = rocksdb::DB::OpenForReadOnly(options, place.directory, &db);
  } else {
    status = rocksdb::DB::Open(options, place.directory, &db);
  }
  index->db_.reset(db);
  HL_RETURN_IF_ERROR(FromRocks(status, StrCat(name, ": open")));
  HL_RETURN_IF_ERROR(index->CheckLayout(place));
  return index;
}

absl::Status SsdIndex::CheckLayout(const Place& place) {
  const std::string wanted = StrCat("halflife-ssd-1 ", place.partition, "/", place.partitions);
  std::string found;
  const rocksdb::Slice key(kLayoutKey.data(), kLayoutKey.size());
  const rocksdb::Status status = db_->Get(VerifiedRead(), key, &found);
  if (status.ok() && found == wanted) return absl::OkStatus();
  if (status.ok()) {
    return absl::DataLossError(StrCat(name_, ": layout is \"", found, "\", not \"", wanted, "\""));
  }
  if (!status.IsNotFound()) return FromRocks(status, StrCat(name_, ": layout"));
  if (access_ == Access::kRead) return absl::DataLossError(StrCat(name_, ": has no layout yet"));
  rocksdb::WriteBatch batch;
  batch.Put(key, wanted);
  return Write(batch);
}

absl::Status SsdIndex::Write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.no_slowdown = true;
  const int64_t began_ns = figures_->NowNanos();
  const rocksdb::Status status = db_->Write(options, &batch);
  figures_->commit_ns.Record(static_cast<uint64_t>(figures_->NowNanos() - began_ns));
  return FromRocks(status, StrCat(name_, ": write"));
}

SsdIndex::Entries::Entries() : batch_(std::make_unique<rocksdb::WriteBatch>()) {}

SsdIndex::Entries::~Entries() = default;

void SsdIndex::Entries::Add(const BlockKey& key, const SsdIndexEntry& entry) {
  batch_->Put(RocksKey(kEntry, key), EncodeSsdIndexEntry(key, entry));
}

void SsdIndex::Entries::AddPayload(const BlockKey& key, absl::Span<const uint8_t> header,
                                   absl::Span<const uint8_t> payload) {
  const std::string rocks_key = RocksKey(kPayload, key);
  const rocksdb::Slice key_slice(rocks_key);
  const std::array<rocksdb::Slice, 2> value = {Slice(header), Slice(payload)};
  batch_->Put(rocksdb::SliceParts(&key_slice, 1), rocksdb::SliceParts(value.data(), 2));
}

absl::Status SsdIndex::Put(Entries& entries) { return Write(*entries.batch_); }

absl::StatusOr<SsdIndexEntry> SsdIndex::Get(const BlockKey& key) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db_->Get(VerifiedRead(), db_->DefaultColumnFamily(), RocksKey(kEntry, key), &value);
  HL_RETURN_IF_ERROR(FromRocks(status, StrCat(name_, ": read")));
  return DecodeSsdIndexEntry(key, Bytes(value));
}

absl::Status SsdIndex::GetInline(
    const BlockKey& key, const std::function<absl::Status(absl::Span<const uint8_t>)>& use) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status =
      db_->Get(VerifiedRead(), db_->DefaultColumnFamily(), RocksKey(kPayload, key), &value);
  HL_RETURN_IF_ERROR(FromRocks(status, StrCat(name_, ": read")));
  return use(Bytes(value));
}

absl::Status SsdIndex::Erase(absl::Span<const BlockKey> keys,
                             absl::Span<const BlockKey> inline_keys) {
  rocksdb::WriteBatch batch;
  for (const BlockKey& key : keys) batch.Delete(RocksKey(kEntry, key));
  for (const BlockKey& key : inline_keys) batch.Delete(RocksKey(kPayload, key));
  return Write(batch);
}

absl::Status SsdIndex::ForEachInRange(std::string_view ns, const Found& found) const {
  const std::string begin = RocksKey(kEntry, ns);
  const std::string end = EndOf(begin);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options = VerifiedRead();
  options.iterate_upper_bound = &upper;
  options.fill_cache = false;  // a walk would push the filters out
  // No readahead_size: rocks_options.cc says why.
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(begin); it->Valid(); it->Next()) {
    BlockKey key;
    if (it->key().size() != 1 + kBlockKeyBytes) continue;
    std::memcpy(key.ns.data(), it->key().data() + 1, key.ns.size());
    std::memcpy(key.block.data(), it->key().data() + 1 + key.ns.size(), key.block.size());
    found(key, DecodeSsdIndexEntry(key, Bytes(it->value())));
  }
  return FromRocks(it->status(), StrCat(name_, ": walk"));
}

absl::Status SsdIndex::PutNamespace(const NamespaceId& id, const std::string& descriptor) {
  rocksdb::WriteBatch batch;
  batch.Put(RocksKey(kNamespace, AsText(id.bytes)), descriptor);
  return Write(batch);
}

absl::Status SsdIndex::ForgetNamespace(const NamespaceId& id) {
  rocksdb::WriteBatch batch;
  batch.Delete(RocksKey(kNamespace, AsText(id.bytes)));
  return Write(batch);
}

absl::Status SsdIndex::DeleteNamespace(const NamespaceId& id, const Digest128& ns) {
  rocksdb::WriteBatch batch;
  batch.Delete(RocksKey(kNamespace, AsText(id.bytes)));
  for (const char kind : {kEntry, kPayload}) {
    const std::string begin = RocksKey(kind, AsText(ns));
    batch.DeleteRange(begin, EndOf(begin));
  }
  return Write(batch);
}

absl::StatusOr<absl::flat_hash_map<NamespaceId, std::string>> SsdIndex::Namespaces() const {
  absl::flat_hash_map<NamespaceId, std::string> descriptors;
  const std::string begin = RocksKey(kNamespace, "");
  const std::string end = EndOf(begin);
  const rocksdb::Slice upper(end);
  rocksdb::ReadOptions options = VerifiedRead();
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  for (it->Seek(begin); it->Valid(); it->Next()) {
    NamespaceId id;
    if (it->key().size() != 1 + id.bytes.size()) continue;
    std::memcpy(id.bytes.data(), it->key().data() + 1, id.bytes.size());
    descriptors[id] = it->value().ToString();
  }
  HL_RETURN_IF_ERROR(FromRocks(it->status(), StrCat(name_, ": namespaces")));
  return descriptors;
}

uint64_t SsdIndex::table_bytes() const {
  if (access_ == Access::kReadWrite) return files_->GetTotalSize();
  uint64_t bytes = 0;  // nobody tells the file manager of what is only read
  db_->GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
  return bytes;
}

uint64_t SsdIndex::write_buffer_bytes() const {
  uint64_t bytes = 0;
  db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &bytes);
  return bytes;
}

void SsdIndex::AddTo(SsdTier::Database& database) const {
  using Properties = rocksdb::DB::Properties;
  const auto number = [this](const std::string& property) {
    uint64_t value = 0;
    db_->GetIntProperty(property, &value);
    return value;
  };
  database.memtable_bytes += number(Properties::kSizeAllMemTables);
  database.table_bytes += table_bytes();
  database.live_data_bytes += number(Properties::kEstimateLiveDataSize);
  database.pending_compaction_bytes += number(Properties::kEstimatePendingCompactionBytes);
  database.running_compactions += number(Properties::kNumRunningCompactions);
  database.running_flushes += number(Properties::kNumRunningFlushes);
  const bool stopped = number(Properties::kIsWriteStopped) != 0;
  const bool slowed = number(Properties::kActualDelayedWriteRate) != 0;
  database.stopped_partitions += stopped ? 1 : 0;
  database.slowed_partitions += stopped || slowed ? 1 : 0;
  for (int level = 0; level < SsdTier::Database::kLevels; ++level) {
    std::string text;
    uint64_t files = 0;
    if (db_->GetProperty(StrCat(Properties::kNumFilesAtLevelPrefix, level), &text) &&
        absl::SimpleAtoi(text, &files)) {
      database.level_files[static_cast<size_t>(level)] += files;
    }
  }
}

void SsdIndex::SuggestCompaction() {
  // A hint: its failure shows in the next write.
  rocksdb::experimental::SuggestCompactRange(db_.get(), nullptr, nullptr).PermitUncheckedError();
}

}  // namespace halflife
