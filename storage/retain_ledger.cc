#include "storage/retain_ledger.h"

#include <algorithm>

namespace halflife {

uint32_t RetainLedger::Grant(uint32_t namespace_number, uint64_t block_bytes, uint32_t blocks,
                             int64_t now_ns, int64_t until_ns) {
  if (blocks == 0 || block_bytes == 0) return 0;
  MutexLock lock(mutex_);
  ExpireLocked(now_ns);
  const auto of_namespace = by_namespace_.find(namespace_number);
  const uint64_t used = of_namespace == by_namespace_.end() ? 0 : of_namespace->second;
  const uint64_t room =
      std::min(limits_.max_bytes - std::min(limits_.max_bytes, bytes_),
               limits_.max_namespace_bytes - std::min(limits_.max_namespace_bytes, used));
  const auto granted = static_cast<uint32_t>(std::min<uint64_t>(blocks, room / block_bytes));
  if (granted == 0) return 0;
  const uint64_t granted_bytes = granted * block_bytes;
  bytes_ += granted_bytes;
  by_namespace_[namespace_number] += granted_bytes;
  by_step_[StepOf(until_ns)][namespace_number] += granted_bytes;
  return granted;
}

void RetainLedger::TakeBack(uint32_t namespace_number, uint64_t block_bytes, uint32_t blocks,
                            int64_t until_ns) {
  MutexLock lock(mutex_);
  const auto step = by_step_.find(StepOf(until_ns));
  if (step == by_step_.end()) return;  // it has ended meanwhile
  const auto until_then = step->second.find(namespace_number);
  if (until_then == step->second.end()) return;
  const uint64_t bytes = std::min(blocks * block_bytes, until_then->second);
  until_then->second -= bytes;
  if (until_then->second == 0) step->second.erase(until_then);
  EndLocked(namespace_number, bytes);
}

void RetainLedger::EndLocked(uint32_t namespace_number, uint64_t bytes) const {
  bytes_ -= bytes;
  const auto of_namespace = by_namespace_.find(namespace_number);
  of_namespace->second -= bytes;
  if (of_namespace->second == 0) by_namespace_.erase(of_namespace);
}

uint64_t RetainLedger::bytes(int64_t now_ns) const {
  MutexLock lock(mutex_);
  ExpireLocked(now_ns);
  return bytes_;
}

void RetainLedger::ExpireLocked(int64_t now_ns) const {
  const int64_t now_step = now_ns / HintMark::kRetainStepNs;
  while (!by_step_.empty() && by_step_.begin()->first <= now_step) {
    for (const auto& [namespace_number, ended_bytes] : by_step_.begin()->second) {
      EndLocked(namespace_number, ended_bytes);
    }
    by_step_.erase(by_step_.begin());
  }
}

}  // namespace halflife
