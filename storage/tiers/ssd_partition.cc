#include "storage/tiers/ssd_partition.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "common/block/block_header.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "storage/tiers/fatal_signal_note.h"
#include "storage/tiers/inline_space.h"
#include "storage/tiers/ssd_directory.h"

namespace halflife {
namespace {

constexpr absl::Duration kLongestBackOff = absl::Seconds(60);
// Room may come back at any time: the tier serves writes again within 10 s of it.
constexpr absl::Duration kLongestBackOffWhenFull = absl::Seconds(8);
constexpr absl::Duration kHealthyAgain = absl::Seconds(60);
constexpr size_t kEraseBatchBlocks = 256;
// A quarantine is for people to look at; it must not cost the cache much.
constexpr uint64_t kQuarantinePartOfQuota = 16;

// What is there may be in order: the file system is full, or I/O fails.
bool IsAboutWriting(const absl::Status& status) {
  return absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
}

}  // namespace

SsdPartition::SsdPartition(Place place, const RocksShared& shared, SlotSpace& slots,
                           SsdQuota& quota, const Clock& clock)
    : place_(std::move(place)),
      shared_(shared),
      slots_(slots),
      quota_(quota),
      clock_(clock),
      marker_(StrCat(place_.root, "/partition-", place_.number, ".opening")),
      contents_(std::make_shared<Contents>()) {}

SsdPartition::~SsdPartition() = default;

std::string SsdPartition::Directory() const {
  return StrCat(place_.root, "/partition-", place_.number);
}

std::string SsdPartition::QuarantinePrefix() const {
  return StrCat("partition-", place_.number, ".quarantine-");
}

// --- Opening

void SsdPartition::Start() {
  KeepNewestQuarantine();
  slots_.StartGeneration(static_cast<uint8_t>(place_.number), use().generation);
  absl::StatusOr<std::shared_ptr<SsdIndex>> index = OpenAndClaim(SsdIndex::Access::kReadWrite);
  if (const absl::Status why = index.status(); IsAboutWriting(why)) {
    index = OpenAndClaim(SsdIndex::Access::kRead);
    if (index.ok()) return GoOnReading(why, *std::move(index));
    if (absl::IsResourceExhausted(why)) return GoOnReading(why, nullptr);
  }
  if (!index.ok()) {
    Log(Severity::kError, "ssd", ToStd(index.status().message()));
    // Also after a mere I/O error, if nothing can be read: blocks that turn up after the start
    // would be in nobody's index.
    index = StartAfresh();
  }
  if (!index.ok()) return GoOnReading(index.status(), nullptr);
  Publish(*std::move(index));
}

absl::StatusOr<std::shared_ptr<SsdIndex>> SsdPartition::OpenAndClaim(SsdIndex::Access access) {
  HL_ASSIGN_OR_RETURN(std::shared_ptr<SsdIndex> index, Open(access));
  const auto contents = std::make_shared<Contents>();
  if (const absl::Status loaded = LoadClaims(*index, *contents); !loaded.ok()) {
    // Without those that were claimed before it failed: nobody will ask for them.
    slots_.StartGeneration(static_cast<uint8_t>(place_.number), use().generation);
    return loaded;
  }
  MutexLock lock(mutex_);
  contents_ = contents;
  return index;
}

absl::StatusOr<std::shared_ptr<SsdIndex>> SsdPartition::Open(SsdIndex::Access access) {
  if (const OpeningMarker::Record record = marker_.Read(); record.condemned()) {
    return absl::DataLossError(StrCat("partition ", place_.number,
                                      ": opening it killed the process",
                                      record.own_fault ? "" : ", twice in a row"));
  }
  // Made here, for RocksDB would log an error about its absence first.
  HL_RETURN_IF_ERROR(MakePrivateDirectory(Directory()));
  // A full disk must not keep the blocks from being read: then it goes without the guard.
  if (const absl::Status status = marker_.Place(); !status.ok()) {
    Log(Severity::kWarning, "ssd", ToStd(status.message()));
  }
  absl::StatusOr<std::shared_ptr<SsdIndex>> index = absl::UnknownError("");
  {
    const FatalSignalNote note(marker_.fd());
    index = SsdIndex::Open({Directory(), place_.number, place_.partitions, place_.quota_bytes},
                           shared_, access);
  }
  marker_.Remove();
  return index;
}

void SsdPartition::Publish(std::shared_ptr<SsdIndex> index) {
  MutexLock lock(mutex_);
  index_ = std::move(index);
  phase_ = Phase::kHealthy;
  healthy_since_ = clock_.Now();
  openings_.fetch_add(1, std::memory_order_relaxed);
}

void SsdPartition::GoOnReading(const absl::Status& why, std::shared_ptr<SsdIndex> index) {
  NoteWriteFailure(why);
  MutexLock lock(mutex_);
  index_ = std::move(index);
}

absl::Status SsdPartition::LoadClaims(const SsdIndex& index, Contents& contents) {
  const uint8_t generation = use().generation;
  return index.ForEach([&](const BlockKey& key, const absl::StatusOr<SsdIndexEntry>& entry) {
    if (!entry.ok() || !IsHomeOf(key)) return;  // Recover drops it
    if (entry->is_inline()) {
      contents.inline_charge_bytes += static_cast<int64_t>(InlineSpace::ChargeFor(entry->bytes));
      contents.inline_blocks.Restore(key, entry->slot);
    } else {
      const SlotOwner owner = SlotOwner::Of(key, {entry->file, entry->slot, entry->bytes,
                                                  static_cast<uint8_t>(place_.number), generation});
      const SlotPlace slot{entry->file, entry->slot};
      switch (slots_.Claim(slot, owner)) {
        case SlotSpace::ClaimResult::kOk:
          break;
        case SlotSpace::ClaimResult::kOutside:
          return;
        case SlotSpace::ClaimResult::kTaken:
          // Two entries claim one slot (an erase was lost in a crash): the one whose header is
          // there has it. Recover drops the entry that does not hold its slot.
          if (!HeaderIsOf(*entry)) return;
          slots_.Reassign(slot, owner);
          break;
      }
    }
    contents.blocks += 1;
    contents.block_bytes += entry->bytes;
  });
}

absl::Status SsdPartition::DropGivenUp(SsdIndex& index) const {
  const Use use = this->use();
  const auto number = static_cast<uint8_t>(place_.number);
  std::vector<BlockKey> given_up;
  size_t dropped = 0;
  absl::Status erased;
  const auto erase = [&] {
    if (given_up.empty() || !erased.ok()) return;
    erased = index.Erase(given_up, given_up);
    dropped += given_up.size();
    given_up.clear();
  };
  const absl::Status walked = index.ForEach([&](const BlockKey& key,
                                                const absl::StatusOr<SsdIndexEntry>& entry) {
    if (entry.ok()) {
      const SsdLocation location{entry->file, entry->slot, entry->bytes, number, use.generation};
      const bool live = entry->is_inline() ? use.contents->inline_blocks.Has(key, entry->slot)
                                           : slots_.Find({entry->file, entry->slot},
                                                         SlotOwner::Of(key, location)) != nullptr;
      if (live || KeepsUnread(key, *entry)) return;
    }
    given_up.push_back(key);
    if (given_up.size() == kEraseBatchBlocks) erase();
  });
  erase();
  HL_RETURN_IF_ERROR(walked);
  // Also a stall is no more than "later" here.
  if (!erased.ok()) return absl::UnavailableError(erased.message());
  if (dropped > 0) {
    Log(Severity::kWarning, "ssd",
        StrCat("partition ", place_.number, ": ", dropped, " entries of blocks given up erased"));
  }
  return absl::OkStatus();
}

bool SsdPartition::HeaderIsOf(const SsdIndexEntry& entry) const {
  const std::shared_ptr<const SlotFile> file = slots_.FindFile(entry.file);
  HeaderPage page;
  if (file == nullptr || !file->ReadHeader(entry.slot, page).ok()) return false;
  const absl::StatusOr<BlockHeader> header =
      DecodeBlockHeader(absl::MakeConstSpan(page.bytes).subspan(0, kBlockHeaderBytes));
  return header.ok() && header->identity == entry.identity;
}

// --- Quarantine

void SsdPartition::KeepNewestQuarantine() {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(place_.root);
  if (!names.ok()) return;
  std::vector<std::string>
      mine;  // in order of time: the names are sorted and the times have one length
  std::copy_if(names->begin(), names->end(), std::back_inserter(mine),
               [&](const std::string& name) { return absl::StartsWith(name, QuarantinePrefix()); });
  quota_.GiveBack(quarantine_bytes_.exchange(0));
  for (size_t i = 0; i < mine.size(); ++i) {
    const std::string path = StrCat(place_.root, "/", mine[i]);
    const uint64_t bytes = DirectoryBytes(path);
    const bool keep = i + 1 == mine.size() &&
                      bytes <= place_.quota_bytes / kQuarantinePartOfQuota && quota_.TryTake(bytes);
    if (keep) {
      quarantine_bytes_ = bytes;
    } else if (const absl::Status status = RemoveTree(path); !status.ok()) {
      Log(Severity::kWarning, "ssd", ToStd(status.message()));
    }
  }
}

void SsdPartition::SetAside() {
  const std::string target = StrCat(place_.root, "/", QuarantinePrefix(), WallClockSeconds());
  if (const absl::Status status = RemoveTree(target); !status.ok()) {
    Log(Severity::kWarning, "ssd", ToStd(status.message()));
  }
  if (std::rename(Directory().c_str(), target.c_str()) != 0 && errno != ENOENT) {
    Log(Severity::kError, "ssd",
        StrCat("partition ", place_.number,
               ": cannot set it aside, removing it: ", std::strerror(errno)));
    if (const absl::Status status = RemoveTree(Directory()); !status.ok()) {
      Log(Severity::kError, "ssd", ToStd(status.message()));
    }
  }
  marker_.Remove();  // it was about the database that has left
  KeepNewestQuarantine();
}

absl::StatusOr<std::shared_ptr<SsdIndex>> SsdPartition::StartAfresh() {
  uint8_t generation = 0;
  {
    MutexLock lock(mutex_);
    if (++generation_ == 0) generation_ = 1;
    generation = generation_;
    contents_ = std::make_shared<Contents>();
    damaged_ = false;
  }
  quarantines_.fetch_add(1, std::memory_order_relaxed);
  Log(Severity::kError, "ssd",
      StrCat("partition ", place_.number, " is set aside, starting it empty; its blocks are gone"));
  SetAside();
  slots_.StartGeneration(static_cast<uint8_t>(place_.number), generation);
  return Open();
}

// --- State

SsdPartition::Use SsdPartition::use() const {
  MutexLock lock(mutex_);
  return {index_, contents_, generation_, phase_ == Phase::kHealthy};
}

absl::Duration SsdPartition::NextBackOffLocked() {
  const absl::Duration longest = full_ ? kLongestBackOffWhenFull : kLongestBackOff;
  const absl::Duration back_off = absl::Seconds(int64_t{1} << std::min(failures_, 6));
  ++failures_;
  return std::min(back_off, longest);
}

void SsdPartition::NoteWriteFailure(const absl::Status& status) {
  if (status.ok() || absl::IsAborted(status) || absl::IsNotFound(status)) return;
  absl::Duration back_off;
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kHealthy && clock_.Now() - healthy_since_ > kHealthyAgain) failures_ = 0;
    if (phase_ != Phase::kHealthy && index_ != nullptr) return;  // known
    full_ = absl::IsResourceExhausted(status) || absl::IsFailedPrecondition(status);
    damaged_ = damaged_ || absl::IsDataLoss(status);
    phase_ = Phase::kReadOnly;
    back_off = NextBackOffLocked();
    retry_at_ = clock_.Now() + back_off;
  }
  const bool full = absl::IsResourceExhausted(status) || absl::IsFailedPrecondition(status);
  Log(Severity::kWarning, "ssd",
      StrCat("partition ", place_.number, " is read-only for ", absl::FormatDuration(back_off),
             full ? ", the file system is full (its blocks stay): " : ": ",
             ToStd(status.message())));
}

void SsdPartition::Defer(std::vector<SsdErase> erases) {
  MutexLock lock(mutex_);
  deferred_.insert(deferred_.end(), erases.begin(), erases.end());
}

std::vector<SsdErase> SsdPartition::TakeDeferred(size_t limit) {
  MutexLock lock(mutex_);
  const auto is_older = [this](const SsdErase& erase) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return erase.location.generation != generation_;
  };
  std::vector<SsdErase> taken;
  if (deferred_.empty() || (phase_ != Phase::kHealthy && !is_older(deferred_.back()))) return taken;
  const size_t count = std::min(limit, deferred_.size());
  taken.assign(deferred_.end() - static_cast<ptrdiff_t>(count), deferred_.end());
  deferred_.resize(deferred_.size() - count);
  return taken;
}

size_t SsdPartition::deferred_count() const {
  MutexLock lock(mutex_);
  return deferred_.size();
}

void SsdPartition::Step() {
  std::shared_ptr<SsdIndex> closed;
  bool damaged = false;
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kHealthy || clock_.Now() < retry_at_) return;
    damaged = damaged_;
    if (index_ != nullptr) {
      phase_ = Phase::kClosing;
      closing_ = index_;
      closed.swap(index_);
    }
  }
  closed.reset();  // closes the database unless a read still uses it
  {
    MutexLock lock(mutex_);
    if (!closing_.expired()) return;  // the next Step goes on
  }
  // Reopening would not help: the next compaction meets the same damage, and waits a second each
  // time.
  absl::StatusOr<std::shared_ptr<SsdIndex>> index =
      damaged ? absl::DataLossError("a compaction met damage") : Open();
  if (absl::IsDataLoss(index.status())) {
    Log(Severity::kError, "ssd", ToStd(index.status().message()));
    index = StartAfresh();
  }
  if (index.ok()) {
    // Nobody uses the partition's index now, so what is live does not change under the walk.
    if (absl::Status status = DropGivenUp(**index); !status.ok()) index = std::move(status);
  }
  if (!index.ok()) {
    const absl::Status why = index.status();
    index = IsAboutWriting(why) ? Open(SsdIndex::Access::kRead) : why;
    return GoOnReading(why, index.ok() ? *std::move(index) : nullptr);
  }
  Publish(*std::move(index));
  Log(Severity::kInfo, "ssd", StrCat("partition ", place_.number, " takes writes again"));
}

}  // namespace halflife
