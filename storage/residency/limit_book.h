#pragma once

#include <cstdint>
#include <vector>

#include "storage/namespace_ledger.h"

namespace halflife {

// Which limit each namespace that a policy knows is under, and what its limit holds in DRAM by what
// the policy has been told: namespaces by their number in the policy's PrefixTable. Not
// thread-safe. Borrows the ledger; null: no limits, and nothing is kept.
class LimitBook {
 public:
  explicit LimitBook(const NamespaceLedger* ledger)
      : ledger_(ledger), bytes_(ledger == nullptr ? 1 : ledger->limits()) {}

  uint16_t limits() const { return static_cast<uint16_t>(bytes_.size()); }

  // A block of the namespace is named: with each of them, as numbers are used again.
  void Named(uint16_t number, const Digest128& prefix) {
    if (ledger_ == nullptr) return;
    if (number >= namespaces_.size()) namespaces_.resize(number + 1);
    // Blocks in queues stay where they are: a limit changes only while there are none.
    if (namespaces_[number].blocks == 0) namespaces_[number].limit = ledger_->LimitOf(prefix);
  }
  uint16_t LimitOf(uint16_t number) const {
    return ledger_ == nullptr ? NamespaceLedger::kNoLimit : namespaces_[number].limit;
  }

  // Into DRAM and out of it.
  void Inserted(uint16_t number, uint64_t block_bytes) {
    if (ledger_ == nullptr) return;
    Entry& entry = namespaces_[number];
    if (entry.blocks++ == 0) entry.block_bytes = block_bytes;
    bytes_[entry.limit] += entry.block_bytes;
  }
  void Removed(uint16_t number) {
    if (ledger_ == nullptr) return;
    Entry& entry = namespaces_[number];
    --entry.blocks;
    bytes_[entry.limit] -= entry.block_bytes;
  }

  // Without a block of it, is its limit still at its floor or above?
  bool MayGo(uint16_t number) const {
    const uint16_t limit = LimitOf(number);
    return limit == NamespaceLedger::kNoLimit ||
           bytes_[limit] >= ledger_->RuleOf(limit).min_bytes + namespaces_[number].block_bytes;
  }
  bool IsBelowFloor(uint16_t number) const {
    const uint16_t limit = LimitOf(number);
    return limit != NamespaceLedger::kNoLimit && bytes_[limit] < ledger_->RuleOf(limit).min_bytes;
  }

 private:
  struct Entry {
    uint16_t limit = NamespaceLedger::kNoLimit;
    uint64_t block_bytes = 0;  // one size per namespace
    uint64_t blocks = 0;       // in DRAM
  };

  const NamespaceLedger* const ledger_;
  std::vector<Entry> namespaces_;
  std::vector<uint64_t> bytes_;  // by limit
};

}  // namespace halflife
