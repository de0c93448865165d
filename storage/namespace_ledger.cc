#include "storage/namespace_ledger.h"

#include <algorithm>
#include <utility>

namespace halflife {
namespace {

uint64_t NotBelowZero(int64_t bytes) { return static_cast<uint64_t>(std::max<int64_t>(bytes, 0)); }

}  // namespace

NamespaceLedger::NamespaceLedger(std::vector<NamespaceLimitRule> rules)
    : rules_(std::move(rules)), bytes_under_(rules_.size() + 1) {}

void NamespaceLedger::Open(const Digest128& prefix, const NamespaceDescriptor& descriptor) {
  if (!has_limits()) return;
  uint16_t limit = kNoLimit;
  for (size_t i = 0; i < rules_.size() && limit == kNoLimit; ++i) {
    if (rules_[i].Takes(descriptor)) limit = static_cast<uint16_t>(i + 1);
  }
  MutexLock lock(mutex_);
  Entry& entry = entries_[prefix];
  entry.is_open = true;
  // What arrived too late for its last time open.
  bytes_under_[entry.limit] -= entry.bytes;
  bytes_under_[limit] += entry.bytes;
  entry.limit = limit;
}

void NamespaceLedger::Close(const Digest128& prefix) {
  if (!has_limits()) return;
  MutexLock lock(mutex_);
  const auto entry = entries_.find(prefix);
  if (entry == entries_.end()) return;
  entry->second.is_open = false;
  if (entry->second.bytes == 0) entries_.erase(entry);
}

uint16_t NamespaceLedger::LimitOf(const Digest128& prefix) const {
  if (!has_limits()) return kNoLimit;
  MutexLock lock(mutex_);
  const auto entry = entries_.find(prefix);
  return entry == entries_.end() ? kNoLimit : entry->second.limit;
}

void NamespaceLedger::Count(const Digest128& prefix, int64_t bytes) {
  if (!has_limits()) return;
  MutexLock lock(mutex_);
  CountLocked(prefix, bytes);
}

void NamespaceLedger::CountLocked(const Digest128& prefix, int64_t bytes) {
  const auto [entry, added] = entries_.try_emplace(prefix);
  entry->second.bytes += bytes;
  bytes_under_[entry->second.limit] += bytes;
  if (!entry->second.is_open && entry->second.bytes == 0) entries_.erase(entry);
}

bool NamespaceLedger::ArriveBelowCeiling(const Digest128& prefix, uint64_t bytes) {
  if (!has_limits()) return true;
  MutexLock lock(mutex_);
  const auto entry = entries_.find(prefix);
  const uint16_t limit = entry == entries_.end() ? kNoLimit : entry->second.limit;
  if (limit != kNoLimit && NotBelowZero(bytes_under_[limit]) + bytes > RuleOf(limit).max_bytes) {
    return false;
  }
  CountLocked(prefix, static_cast<int64_t>(bytes));
  return true;
}

uint64_t NamespaceLedger::BytesUnder(uint16_t limit) const {
  MutexLock lock(mutex_);
  return NotBelowZero(bytes_under_[limit]);
}

uint64_t NamespaceLedger::ExcessWith(uint16_t limit, uint64_t bytes) const {
  if (limit == kNoLimit || RuleOf(limit).max_bytes == UINT64_MAX) return 0;
  const uint64_t ceiling_bytes = RuleOf(limit).max_bytes;
  const uint64_t with_bytes = BytesUnder(limit) + bytes;
  return with_bytes > ceiling_bytes ? with_bytes - ceiling_bytes : 0;
}

uint64_t NamespaceLedger::BytesOf(const Digest128& prefix) const {
  MutexLock lock(mutex_);
  const auto entry = entries_.find(prefix);
  return entry == entries_.end() ? 0 : NotBelowZero(entry->second.bytes);
}

}  // namespace halflife
