#include "tests/fakes/fake_ssd_tier.h"

#include <algorithm>
#include <utility>

#include "common/block/block_header.h"
#include "common/status.h"

namespace halflife {

FakeSsdTier::FakeSsdTier(DramArena* arena, uint64_t quota_bytes,
                         std::shared_ptr<FakeSsdMedium> medium)
    : arena_(arena), medium_(std::move(medium)), quota_bytes_(quota_bytes) {}

std::vector<absl::StatusOr<SsdLocation>> FakeSsdTier::Write(absl::Span<const SsdWrite> writes) {
  WaitWhileHeld();
  std::vector<absl::StatusOr<SsdLocation>> results;
  results.reserve(writes.size());
  for (const SsdWrite& write : writes) results.push_back(WriteOne(write));
  return results;
}

void FakeSsdTier::WaitWhileHeld() {
  MutexLock lock(mutex_);
  ++held_writes_;
  changed_.NotifyAll();
  while (hold_writes_ && !release_one_) changed_.Wait(mutex_);
  release_one_ = false;
  --held_writes_;
  changed_.NotifyAll();
}

absl::StatusOr<SsdLocation> FakeSsdTier::WriteOne(const SsdWrite& write) {
  const uint64_t free_bytes = FreeBytesFor(write.block.payload().size());
  {
    MutexLock lock(mutex_);
    if (!write_error_.ok() && failing_writes_ > 0) {
      ++counters_.writes_failed;
      --failing_writes_;
      return write_error_;
    }
    if (free_bytes < write.block.payload().size()) {
      ++counters_.writes_refused;
      return absl::ResourceExhaustedError("fake SSD: quota");
    }
    ++counters_.writes_ok;
    counters_.written_bytes += write.block.payload().size();
    ++writes_of_[write.key];
  }
  MutexLock lock(medium_->mutex);
  FakeSsdMedium::Stored& stored = medium_->blocks[write.key];
  stored.header = write.block.header();
  stored.payload = std::string(AsText(write.block.payload()));
  stored.state = write.state;
  stored.location = SsdLocation{};
  stored.location.file = 1;
  stored.location.slot = medium_->next_slot++;
  stored.location.bytes = static_cast<uint32_t>(stored.payload.size());
  stored.location.generation = medium_->generation;
  return stored.location;
}

std::vector<absl::StatusOr<BlockRef>> FakeSsdTier::Read(absl::Span<const SsdRead> reads) {
  std::vector<absl::StatusOr<BlockRef>> results;
  results.reserve(reads.size());
  for (const SsdRead& read : reads) results.push_back(ReadOne(read));
  return results;
}

absl::StatusOr<BlockRef> FakeSsdTier::ReadOne(const SsdRead& read) {
  bool damage = false;
  {
    MutexLock lock(mutex_);
    if (!read_error_.ok()) {
      ++counters_.reads_failed;
      return read_error_;
    }
    damage = std::exchange(damage_next_, false);
  }
  BlockHeader header;
  std::string payload;
  {
    MutexLock lock(medium_->mutex);
    auto it = medium_->blocks.find(read.key);
    if (it == medium_->blocks.end() || !(it->second.location == read.location)) {
      return absl::NotFoundError("fake SSD: stale location");
    }
    if (damage) it->second.payload[0] = static_cast<char>(it->second.payload[0] ^ 1);
    header = it->second.header;
    payload = it->second.payload;
  }
  if (!(header.identity == read.identity) ||
      PayloadChecksum(read.identity, AsBytes(payload)) != header.checksum) {
    MutexLock lock(mutex_);
    ++counters_.reads_corrupt;
    return absl::DataLossError("fake SSD: block does not verify");
  }
  HL_ASSIGN_OR_RETURN(BlockBuffer buffer, arena_->Allocate(payload.size()));
  std::copy(payload.begin(), payload.end(), buffer.bytes().begin());
  MutexLock lock(mutex_);
  ++counters_.reads_ok;
  counters_.read_bytes += payload.size();
  return std::move(buffer).Seal(header);
}

void FakeSsdTier::Forget(absl::Span<const BlockKey> keys) {
  MutexLock lock(mutex_);
  forgotten_.insert(forgotten_.end(), keys.begin(), keys.end());
}

std::vector<BlockKey> FakeSsdTier::forgotten() const {
  MutexLock lock(mutex_);
  return forgotten_;
}

void FakeSsdTier::Erase(absl::Span<const SsdErase> erases) {
  MutexLock lock(medium_->mutex);
  for (const SsdErase& erase : erases) {
    auto it = medium_->blocks.find(erase.key);
    if (it == medium_->blocks.end() || !(it->second.location == erase.location)) continue;
    medium_->blocks.erase(it);
  }
}

void FakeSsdTier::Recover(const std::function<void(const Recovered&)>& found) {
  std::vector<Recovered> all;
  {
    MutexLock lock(medium_->mutex);
    for (const auto& [key, stored] : medium_->blocks) {
      all.push_back({key, stored.location, stored.header.identity, stored.state});
    }
  }
  for (const Recovered& one : all) found(one);
}

absl::Status FakeSsdTier::PutNamespace(const NamespaceId& id, const std::string& descriptor) {
  {
    MutexLock lock(mutex_);
    if (!namespace_error_.ok()) return namespace_error_;
  }
  MutexLock lock(medium_->mutex);
  medium_->namespaces[Hex(id.bytes)] = descriptor;
  return absl::OkStatus();
}

void FakeSsdTier::DeleteNamespace(const NamespaceId& id, const Digest128& key_prefix) {
  MutexLock lock(medium_->mutex);
  medium_->namespaces.erase(Hex(id.bytes));
  std::erase_if(medium_->blocks, [&](const auto& entry) { return entry.first.ns == key_prefix; });
}

std::vector<std::string> FakeSsdTier::LoadNamespaces() {
  std::vector<std::string> descriptors;
  MutexLock lock(medium_->mutex);
  for (const auto& [id, descriptor] : medium_->namespaces) descriptors.push_back(descriptor);
  return descriptors;
}

uint64_t FakeSsdTier::StoredBytes() const {
  uint64_t bytes = 0;
  MutexLock lock(medium_->mutex);
  for (const auto& [key, stored] : medium_->blocks) bytes += stored.payload.size();
  return bytes;
}

uint64_t FakeSsdTier::FreeBytesFor(uint64_t payload_bytes) const {
  const uint64_t used = StoredBytes();
  MutexLock lock(mutex_);
  return used >= quota_bytes_ ? 0 : quota_bytes_ - used;
}

std::vector<SsdLocation> FakeSsdTier::WantedBack(size_t limit) {
  uint32_t below = 0;
  {
    MutexLock lock(mutex_);
    below = wanted_below_;
  }
  std::vector<SsdLocation> wanted;
  MutexLock lock(medium_->mutex);
  for (const auto& [key, stored] : medium_->blocks) {
    if (stored.location.slot < below && wanted.size() < limit) wanted.push_back(stored.location);
  }
  return wanted;
}

std::vector<absl::StatusOr<SsdLocation>> FakeSsdTier::Move(absl::Span<const SsdMove> moves) {
  std::vector<absl::StatusOr<SsdLocation>> results;
  for (const SsdMove& move : moves) results.push_back(MoveOne(move));
  return results;
}

absl::StatusOr<SsdLocation> FakeSsdTier::MoveOne(const SsdMove& move) {
  {
    MutexLock lock(mutex_);
    HL_RETURN_IF_ERROR(write_error_);
  }
  SsdLocation to;
  {
    MutexLock lock(medium_->mutex);
    auto it = medium_->blocks.find(move.key);
    if (it == medium_->blocks.end() || !(it->second.location == move.from)) {
      return absl::NotFoundError("fake SSD: stale location");
    }
    it->second.location.slot = medium_->next_slot++;
    to = it->second.location;
  }
  MutexLock lock(mutex_);
  ++counters_.blocks_moved;
  return to;
}

std::vector<uint8_t> FakeSsdTier::Generations() const {
  MutexLock lock(medium_->mutex);
  return {medium_->generation};
}

bool FakeSsdTier::Step() { return false; }

SsdTier::Stats FakeSsdTier::stats() const {
  const uint64_t bytes = StoredBytes();
  uint64_t blocks = 0;
  {
    MutexLock lock(medium_->mutex);
    blocks = medium_->blocks.size();
  }
  MutexLock lock(mutex_);
  Stats stats = counters_;
  stats.quota_bytes = quota_bytes_;
  stats.used_bytes = stats.block_bytes = bytes;
  stats.blocks = blocks;
  stats.partitions_serving = 1;
  return stats;
}

void FakeSsdTier::FailReadsWith(absl::Status status) {
  MutexLock lock(mutex_);
  read_error_ = std::move(status);
}

void FakeSsdTier::FailWritesWith(absl::Status status) {
  FailNextWrites(UINT64_MAX, std::move(status));
}

void FakeSsdTier::FailNextWrites(uint64_t blocks, absl::Status status) {
  MutexLock lock(mutex_);
  write_error_ = std::move(status);
  failing_writes_ = blocks;
}

void FakeSsdTier::FailNamespaceWritesWith(absl::Status status) {
  MutexLock lock(mutex_);
  namespace_error_ = std::move(status);
}

void FakeSsdTier::DamageNextRead() {
  MutexLock lock(mutex_);
  damage_next_ = true;
}

void FakeSsdTier::Quarantine() {
  {
    MutexLock lock(medium_->mutex);
    medium_->blocks.clear();
    ++medium_->generation;
  }
  MutexLock lock(mutex_);
  ++counters_.quarantines;
}

void FakeSsdTier::SetQuota(uint64_t quota_bytes) {
  MutexLock lock(mutex_);
  quota_bytes_ = quota_bytes;
}

void FakeSsdTier::HoldWrites() {
  MutexLock lock(mutex_);
  hold_writes_ = true;
}

void FakeSsdTier::WaitForHeldWrite() {
  MutexLock lock(mutex_);
  while (held_writes_ == 0) changed_.Wait(mutex_);
}

void FakeSsdTier::ReleaseWrites() {
  MutexLock lock(mutex_);
  hold_writes_ = false;
  changed_.NotifyAll();
}

void FakeSsdTier::ReleaseOneWrite() {
  MutexLock lock(mutex_);
  release_one_ = true;
  changed_.NotifyAll();
  while (release_one_) changed_.Wait(mutex_);
}

void FakeSsdTier::WantSlotsBelow(uint32_t slot) {
  MutexLock lock(mutex_);
  wanted_below_ = slot;
}

int FakeSsdTier::WritesOf(const BlockKey& key) const {
  MutexLock lock(mutex_);
  auto it = writes_of_.find(key);
  return it == writes_of_.end() ? 0 : it->second;
}

bool FakeSsdTier::Holds(const BlockKey& key) const {
  MutexLock lock(medium_->mutex);
  return medium_->blocks.contains(key);
}

std::optional<PersistedState> FakeSsdTier::StateOf(const BlockKey& key) const {
  MutexLock lock(medium_->mutex);
  auto it = medium_->blocks.find(key);
  if (it == medium_->blocks.end()) return std::nullopt;
  return it->second.state;
}

}  // namespace halflife
