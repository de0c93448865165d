#include "storage/tiers/slot_space.h"

#include <algorithm>

#include "common/check.h"
#include "common/killpoint.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"
#include "storage/tiers/ssd_directory.h"

namespace halflife {
namespace {

// The last file before the quota is full may be smaller, down to this part of a whole one: less
// would only make many tiny files.
constexpr uint32_t kSmallestPart = 8;

uint32_t SmallestFile(uint32_t slots_per_file) {
  return std::max<uint32_t>(1, slots_per_file / kSmallestPart);
}

}  // namespace

SlotSpace::SlotSpace(Options options, SlotIo& io, SsdQuota& quota)
    : options_(std::move(options)), io_(io), quota_(quota) {}

uint32_t SlotSpace::SlotsPerFile(uint64_t slot_bytes) const {
  return static_cast<uint32_t>(std::max<uint64_t>(1, options_.file_bytes / slot_bytes));
}

// --- Counting

void SlotSpace::ForgetLocked(uint32_t number, const File& file) {
  SizeClass& size_class = classes_[file.io->slot_bytes()];
  size_class.with_room.erase({file.table.free_count(), number});
  size_class.file_count -= 1;
  size_class.empty_count -= file.table.empty() ? 1 : 0;
  size_class.free_slots -= file.table.free_count();
}

void SlotSpace::CountLocked(uint32_t number, const File& file) {
  SizeClass& size_class = classes_[file.io->slot_bytes()];
  if (!file.retiring && file.table.free_count() > 0) {
    size_class.with_room.insert({file.table.free_count(), number});
  }
  size_class.file_count += 1;
  size_class.empty_count += file.table.empty() ? 1 : 0;
  size_class.free_slots += file.table.free_count();
}

template <typename Change>
void SlotSpace::ChangeLocked(uint32_t number, const Change& change) {
  const auto found = files_.find(number);
  HL_CHECK(found != files_.end());
  ForgetLocked(number, found->second);
  change(found->second);
  CountLocked(number, found->second);
}

void SlotSpace::AddLocked(std::shared_ptr<const SlotFile> file) {
  const uint32_t number = file->number();
  next_number_ = std::max(next_number_, number + 1);
  file_bytes_ += file->file_bytes();
  slot_count_ += file->slot_count();
  const uint32_t slot_count = file->slot_count();
  const auto added = files_.emplace(number, File{std::move(file), SlotTable(slot_count)}).first;
  CountLocked(number, added->second);
}

// --- Start

absl::Status SlotSpace::LoadFiles() {
  HL_RETURN_IF_ERROR(MakePrivateDirectory(options_.directory));
  HL_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(options_.directory));
  for (const std::string& text : names) {
    const std::optional<SlotFileName> name = SlotFileName::Parse(text);
    if (!name.has_value()) continue;
    {
      MutexLock lock(mutex_);
      next_number_ = std::max(next_number_, name->number + 1);  // an entry may name it
    }
    const SlotFile::Place place{options_.directory, *name, options_.direct_io};
    absl::StatusOr<std::shared_ptr<SlotFile>> file = SlotFile::Open(io_, place);
    if (absl::IsNotFound(file.status())) continue;
    const bool may_be_whole = !file.ok() && !absl::IsDataLoss(file.status());
    if (may_be_whole && LeaveUnopened(place, file.status())) continue;
    const bool granted =
        file.ok() && quota_.TryTake(ChargeFor((*file)->slot_bytes(), (*file)->slot_count()));
    if (!granted) {
      const std::string why(file.ok() || may_be_whole ? "over the quota" : file.status().message());
      Log(Severity::kWarning, "ssd", StrCat("slot file ", text, " is dropped: ", why));
      io_.Unlink(StrCat(options_.directory, "/", text).c_str());
      continue;
    }
    MutexLock lock(mutex_);
    AddLocked(*std::move(file));
  }
  return absl::OkStatus();
}

bool SlotSpace::LeaveUnopened(const SlotFile::Place& place, const absl::Status& why) {
  // Where not even that can be told, it is taken for a whole one.
  const uint64_t slot_bytes = place.name.slot_bytes;
  const uint32_t slots = SlotFile::CountSlots(place).value_or(SlotsPerFile(slot_bytes));
  if (!quota_.TryTake(ChargeFor(slot_bytes, slots))) return false;
  Log(Severity::kError, "ssd",
      StrCat(
          ToStd(why.message()), "; it stays as it is and its blocks are misses until a start ",
          "that can open it: mend that (the limit of open files, its owner and mode, the disk), ",
          "then restart"));
  MutexLock lock(mutex_);
  unopened_.insert(place.name.number);
  file_bytes_ += slots * slot_bytes;
  slot_count_ += slots;
  return true;
}

bool SlotSpace::has_unopened() const {
  MutexLock lock(mutex_);
  return !unopened_.empty();
}

bool SlotSpace::IsUnopened(uint32_t number) const {
  MutexLock lock(mutex_);
  return unopened_.count(number) > 0;
}

SlotSpace::ClaimResult SlotSpace::Claim(SlotPlace place, const SlotOwner& owner) {
  MutexLock lock(mutex_);
  // Numbers are never used twice, not even those of files that are gone: an entry may still name
  // them.
  next_number_ = std::max(next_number_, place.file + 1);
  const auto found = files_.find(place.file);
  if (found == files_.end() ||
      found->second.io->slot_bytes() != SlotBytesFor(owner.payload_bytes) ||
      place.slot >= found->second.io->slot_count()) {
    return ClaimResult::kOutside;
  }
  // The class's counts are made anew by FinishClaims.
  return found->second.table.Claim(place.slot, owner) ? ClaimResult::kOk : ClaimResult::kTaken;
}

void SlotSpace::Reassign(SlotPlace place, const SlotOwner& owner) {
  MutexLock lock(mutex_);
  files_.at(place.file).table.Reassign(place.slot, owner);
}

std::shared_ptr<const SlotFile> SlotSpace::FindFile(uint32_t number) const {
  MutexLock lock(mutex_);
  const auto found = files_.find(number);
  return found == files_.end() ? nullptr : found->second.io;
}

void SlotSpace::FinishClaims() {
  MutexLock lock(mutex_);
  classes_.clear();
  for (auto& [number, file] : files_) {
    file.table.FinishClaims();
    CountLocked(number, file);
  }
}

// --- Blocks

std::optional<SlotSpace::Taken> SlotSpace::TakeFreeLocked(uint64_t slot_bytes,
                                                          const SlotOwner& owner) {
  SizeClass& size_class = classes_[slot_bytes];
  if (size_class.free_slots == 0) return std::nullopt;
  uint32_t number = 0;
  if (!size_class.with_room.empty()) {
    number = size_class.with_room.begin()->second;
  } else {
    // Only files that were to run empty have room: the class needs them after all.
    for (const auto& [candidate, file] : files_) {
      if (file.io->slot_bytes() == slot_bytes && file.table.free_count() > 0) number = candidate;
    }
  }
  Taken taken;
  ChangeLocked(number, [&](File& file) {
    file.retiring = false;
    taken.place = {number, file.table.Take(owner).value()};
    taken.file = file.io;
  });
  if (refused_class_ == slot_bytes) refused_class_ = 0;
  return taken;
}

absl::StatusOr<SlotSpace::Taken> SlotSpace::Take(const SlotOwner& owner) {
  const uint64_t slot_bytes = SlotBytesFor(owner.payload_bytes);
  uint32_t number = 0;
  {
    MutexLock lock(mutex_);
    for (;;) {
      if (std::optional<Taken> taken = TakeFreeLocked(slot_bytes, owner)) return *std::move(taken);
      if (!classes_[slot_bytes].growing) break;
      grown_.Wait(mutex_);  // another writer is making a file: one is enough for both
    }
    classes_[slot_bytes].growing = true;
    number = next_number_++;
  }
  absl::StatusOr<std::shared_ptr<SlotFile>> file = CreateFile(slot_bytes, number);

  MutexLock lock(mutex_);
  classes_[slot_bytes].growing = false;
  grown_.NotifyAll();
  if (!file.ok()) {
    if (absl::IsResourceExhausted(file.status())) refused_class_ = slot_bytes;
    return file.status();
  }
  AddLocked(*std::move(file));
  return TakeFreeLocked(slot_bytes, owner).value();
}

uint32_t SlotSpace::TakeQuota(uint64_t slot_bytes) {
  const uint32_t whole = SlotsPerFile(slot_bytes);
  if (quota_.TryTake(ChargeFor(slot_bytes, whole))) return whole;
  const uint64_t free_bytes = quota_.free_bytes();
  if (free_bytes <= kPageBytes) return 0;
  const uint64_t fitting = (free_bytes - kPageBytes) / (slot_bytes + kEntryChargeBytes);
  const auto slots = static_cast<uint32_t>(std::min<uint64_t>(whole, fitting));
  if (slots < SmallestFile(whole) || !quota_.TryTake(ChargeFor(slot_bytes, slots))) return 0;
  return slots;
}

absl::StatusOr<std::shared_ptr<SlotFile>> SlotSpace::CreateFile(uint64_t slot_bytes,
                                                                uint32_t number) {
  const uint64_t payload_bytes = slot_bytes - kPageBytes;
  uint32_t slots = TakeQuota(slot_bytes);
  while (slots == 0 && DropEmptyFile(payload_bytes)) slots = TakeQuota(slot_bytes);
  if (slots == 0) {
    return absl::ResourceExhaustedError(StrCat("SSD tier: no room for a block of ", payload_bytes,
                                               " bytes, ", quota_.free_bytes(), " of ",
                                               quota_.limit_bytes(), " free"));
  }
  const SlotFile::Place place{options_.directory, {number, slot_bytes}, options_.direct_io};
  absl::StatusOr<std::shared_ptr<SlotFile>> file = SlotFile::Create(io_, place, slots);
  if (!file.ok()) {
    quota_.GiveBack(ChargeFor(slot_bytes, slots));
    return file.status();
  }
  HL_KILLPOINT("ssd.file.after_create");
  return file;
}

bool SlotSpace::Commit(SlotPlace place, const SlotOwner& owner) {
  MutexLock lock(mutex_);
  const bool current = generations_[owner.partition] == owner.generation;
  ChangeLocked(place.file, [&](File& file) {
    current ? file.table.Commit(place.slot) : file.table.Free(place.slot);
  });
  return current;
}

void SlotSpace::Free(SlotPlace place) {
  MutexLock lock(mutex_);
  ChangeLocked(place.file, [&](File& file) { file.table.Free(place.slot); });
}

void SlotSpace::Spoil(SlotPlace place) {
  MutexLock lock(mutex_);
  ChangeLocked(place.file, [&](File& file) { file.table.Spoil(place.slot); });
}

void SlotSpace::NoteCopy(SlotPlace place, const SlotOwner& owner) {
  MutexLock lock(mutex_);
  const auto found = files_.find(place.file);
  if (found != files_.end()) found->second.table.NoteCopy(place.slot, owner);
}

SlotTable::Erasing SlotSpace::BeginErase(SlotPlace place, const SlotOwner& owner) {
  MutexLock lock(mutex_);
  const auto found = files_.find(place.file);
  if (found == files_.end()) return SlotTable::Erasing::kNotHeld;
  return found->second.table.BeginErase(place.slot, owner);
}

std::shared_ptr<const SlotFile> SlotSpace::Find(SlotPlace place, const SlotOwner& owner) const {
  MutexLock lock(mutex_);
  const auto found = files_.find(place.file);
  if (found == files_.end() || !found->second.table.IsUsedBy(place.slot, owner)) return nullptr;
  return found->second.io;
}

void SlotSpace::StartGeneration(uint8_t partition, uint8_t generation) {
  MutexLock lock(mutex_);
  generations_[partition] = generation;
  for (auto& [number, unused] : files_) {
    ChangeLocked(number, [&](File& file) { file.table.FreePartition(partition); });
  }
}

// --- Room

uint64_t SlotSpace::FreeBytesFor(uint64_t payload_bytes) const {
  const uint64_t slot_bytes = SlotBytesFor(payload_bytes);
  MutexLock lock(mutex_);
  const auto found = classes_.find(slot_bytes);
  uint64_t slots = found == classes_.end() ? 0 : found->second.free_slots;
  uint64_t room_bytes = quota_.free_bytes();
  for (const auto& [number, file] : files_) {
    if (file.table.empty() && file.io->slot_bytes() != slot_bytes) {
      room_bytes += ChargeFor(file.io->slot_bytes(), file.io->slot_count());
    }
  }
  const uint32_t whole = SlotsPerFile(slot_bytes);
  const uint64_t file_charge = ChargeFor(slot_bytes, whole);
  slots += room_bytes / file_charge * whole;
  const uint64_t rest_bytes = room_bytes % file_charge;
  const uint64_t rest_slots =
      rest_bytes > kPageBytes ? (rest_bytes - kPageBytes) / (slot_bytes + kEntryChargeBytes) : 0;
  if (rest_slots >= SmallestFile(whole)) slots += rest_slots;
  return slots * payload_bytes;
}

uint64_t SlotSpace::EmptyFileBytes() const {
  MutexLock lock(mutex_);
  uint64_t bytes = 0;
  for (const auto& [number, file] : files_) {
    if (file.table.empty()) bytes += ChargeFor(file.io->slot_bytes(), file.io->slot_count());
  }
  return bytes;
}

bool SlotSpace::IsRefusedOtherThanLocked(uint64_t slot_bytes) const {
  return inline_refused_.load(std::memory_order_relaxed) ||
         (refused_class_ != 0 && refused_class_ != slot_bytes);
}

uint32_t SlotSpace::EmptiestFileLocked() const {
  uint32_t emptiest = 0;
  uint64_t least_used_bytes = UINT64_MAX;
  for (const auto& [number, file] : files_) {
    const uint64_t slot_bytes = file.io->slot_bytes();
    if (!IsRefusedOtherThanLocked(slot_bytes)) continue;
    if (file.retiring) return number;  // one at a time
    // Over-provisioned: the class's blocks would fit without this file.
    if (classes_.at(slot_bytes).free_slots < file.table.slot_count()) continue;
    const uint64_t used_bytes = (file.table.slot_count() - file.table.free_count()) * slot_bytes;
    if (used_bytes > 0 && used_bytes < least_used_bytes) {
      least_used_bytes = used_bytes;
      emptiest = number;
    }
  }
  return emptiest;
}

std::vector<std::pair<SlotPlace, SlotOwner>> SlotSpace::WantedBack(size_t limit) {
  std::vector<std::pair<SlotPlace, SlotOwner>> wanted;
  MutexLock lock(mutex_);
  const uint32_t number = EmptiestFileLocked();
  if (number == 0) return wanted;
  ChangeLocked(number, [](File& file) { file.retiring = true; });
  const SlotTable& table = files_.at(number).table;
  for (uint32_t slot = 0; slot < table.slot_count() && wanted.size() < limit; ++slot) {
    if (table.IsUsed(slot)) wanted.push_back({{number, slot}, table.owner(slot)});
  }
  return wanted;
}

template <typename Wanted>
std::shared_ptr<const SlotFile> SlotSpace::RemoveEmptyLocked(const Wanted& wanted) {
  for (auto it = files_.begin(); it != files_.end(); ++it) {
    const File& file = it->second;
    // A reader that still has the file open would keep its room on the disk beyond the quota.
    if (!file.table.empty() || file.io.use_count() > 1 || !wanted(file)) continue;
    ForgetLocked(it->first, file);
    std::shared_ptr<const SlotFile> removed = std::move(it->second.io);
    file_bytes_ -= removed->file_bytes();
    slot_count_ -= removed->slot_count();
    files_.erase(it);
    return removed;
  }
  return nullptr;
}

void SlotSpace::Delete(std::shared_ptr<const SlotFile> file) {
  HL_KILLPOINT("ssd.file.before_delete");
  const uint64_t charge = ChargeFor(file->slot_bytes(), file->slot_count());
  if (const absl::Status status = file->Unlink(); !status.ok()) {
    // It stays on the disk, so it stays charged; the next start finds and uses it.
    Log(Severity::kWarning, "ssd", ToStd(status.message()));
    return;
  }
  file.reset();
  quota_.GiveBack(charge);
}

bool SlotSpace::DropEmptyFile(uint64_t except_payload_bytes) {
  const uint64_t except = except_payload_bytes == 0 ? 0 : SlotBytesFor(except_payload_bytes);
  std::shared_ptr<const SlotFile> file;
  {
    MutexLock lock(mutex_);
    file = RemoveEmptyLocked([&](const File& f) { return f.io->slot_bytes() != except; });
  }
  if (file == nullptr) return false;
  Delete(std::move(file));
  return true;
}

bool SlotSpace::Step() {
  std::shared_ptr<const SlotFile> file;
  {
    MutexLock lock(mutex_);
    file = RemoveEmptyLocked([&](const File& f) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const uint64_t slot_bytes = f.io->slot_bytes();
      return IsRefusedOtherThanLocked(slot_bytes) || classes_[slot_bytes].empty_count > 1;
    });
  }
  if (file == nullptr) return false;
  Delete(std::move(file));
  return true;
}

SlotSpace::Stats SlotSpace::stats() const {
  MutexLock lock(mutex_);
  return {file_bytes_, files_.size(), slot_count_ * kEntryChargeBytes};
}

}  // namespace halflife
