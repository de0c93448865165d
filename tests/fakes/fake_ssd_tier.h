#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// What a FakeSsdTier keeps when it is destroyed: hand it to the next one for a restart.
struct FakeSsdMedium {
  struct Stored {
    BlockHeader header;
    std::string payload;
    SsdLocation location;
    PersistedState state;
  };

  Mutex mutex;
  std::map<BlockKey, Stored> blocks ABSL_GUARDED_BY(mutex);
  std::map<std::string, std::string> namespaces ABSL_GUARDED_BY(mutex);  // hex id -> descriptor
  uint32_t next_slot ABSL_GUARDED_BY(mutex) = 1;
  uint8_t generation ABSL_GUARDED_BY(mutex) = 1;
};

// An SsdTier in memory with the real rules (quota, stale locations, verification on every read) and
// switches for what a medium does when it is hurt. Thread-safe. Borrows the arena it reads into.
class FakeSsdTier final : public SsdTier {
 public:
  explicit FakeSsdTier(DramArena* arena, uint64_t quota_bytes = uint64_t{1} << 40,
                       std::shared_ptr<FakeSsdMedium> medium = std::make_shared<FakeSsdMedium>());

  std::vector<absl::StatusOr<SsdLocation>> Write(absl::Span<const SsdWrite> writes) override;
  std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const SsdRead> reads) override;
  void Erase(absl::Span<const SsdErase> erases) override;
  void Forget(absl::Span<const BlockKey> keys) override;
  void Recover(const std::function<void(const Recovered&)>& found) override;
  absl::Status PutNamespace(const NamespaceId& id, const std::string& descriptor) override;
  void DeleteNamespace(const NamespaceId& id, const Digest128& key_prefix) override;
  std::vector<std::string> LoadNamespaces() override;
  uint64_t FreeBytesFor(uint64_t payload_bytes) const override;
  std::vector<SsdLocation> WantedBack(size_t limit) override;
  std::vector<absl::StatusOr<SsdLocation>> Move(absl::Span<const SsdMove> moves) override;
  std::vector<uint8_t> Generations() const override;
  bool Step() override;
  Stats stats() const override;

  // --- Switches
  // Every read or write answers this until it is set to OK again.
  void FailReadsWith(absl::Status status);
  void FailWritesWith(absl::Status status);
  // The next so many blocks that are to be written.
  void FailNextWrites(uint64_t blocks, absl::Status status);
  void FailNamespaceWritesWith(absl::Status status);
  // Flips a byte of the next block that is read: it stays damaged.
  void DamageNextRead();
  // All blocks are lost and their locations stale, as when a partition is set aside.
  void Quarantine();
  void SetQuota(uint64_t quota_bytes);
  // Write waits until released; the caller of WaitForHeldWrite returns once one is waiting.
  void HoldWrites();
  void WaitForHeldWrite();
  void ReleaseWrites();
  // The one that waits goes on; the next one waits again.
  void ReleaseOneWrite();
  // The tier asks for every location it holds below this slot number.
  void WantSlotsBelow(uint32_t slot);

  // --- What happened
  // How often this key was written.
  int WritesOf(const BlockKey& key) const;
  // Keys that it was to forget, in order.
  std::vector<BlockKey> forgotten() const;
  bool Holds(const BlockKey& key) const;
  std::optional<PersistedState> StateOf(const BlockKey& key) const;
  std::shared_ptr<FakeSsdMedium> medium() const { return medium_; }

 private:
  void WaitWhileHeld();
  absl::StatusOr<SsdLocation> WriteOne(const SsdWrite& write);
  absl::StatusOr<BlockRef> ReadOne(const SsdRead& read);
  absl::StatusOr<SsdLocation> MoveOne(const SsdMove& move);
  uint64_t StoredBytes() const;

  DramArena* const arena_;
  const std::shared_ptr<FakeSsdMedium> medium_;

  mutable Mutex mutex_;
  CondVar changed_;
  uint64_t quota_bytes_ ABSL_GUARDED_BY(mutex_);
  absl::Status read_error_ ABSL_GUARDED_BY(mutex_);
  absl::Status write_error_ ABSL_GUARDED_BY(mutex_);
  uint64_t failing_writes_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status namespace_error_ ABSL_GUARDED_BY(mutex_);
  bool damage_next_ ABSL_GUARDED_BY(mutex_) = false;
  bool hold_writes_ ABSL_GUARDED_BY(mutex_) = false;
  bool release_one_ ABSL_GUARDED_BY(mutex_) = false;
  int held_writes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint32_t wanted_below_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<BlockKey, int> writes_of_ ABSL_GUARDED_BY(mutex_);
  std::vector<BlockKey> forgotten_ ABSL_GUARDED_BY(mutex_);
  Stats counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
