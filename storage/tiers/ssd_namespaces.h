#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/mutex.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Namespace descriptors on SSD: in every partition, so that they outlive the loss of all but one. A
// partition that is set aside, or loses its last writes, is given them again. Thread-safe, but for
// Load and Step, which one thread calls; borrows the context.
class SsdNamespaces {
 public:
  explicit SsdNamespaces(SsdContext& context) : context_(context) {}

  // At start: takes what any partition knows.
  void Load();
  // Returns: kUnavailable if no partition takes it now.
  absl::Status Put(const NamespaceId& id, const std::string& descriptor);
  // The partitions are the caller's to tell.
  void Forget(const NamespaceId& id);
  std::vector<std::string> All() const;
  // Completes partitions that were opened since.
  void Step();

 private:
  // Returns: kUnavailable if the partition takes no writes now, or as SsdIndex::PutNamespace.
  absl::Status Complete(SsdPartition& partition);
  bool Knows(const NamespaceId& id) const;

  SsdContext& context_;
  std::vector<uint64_t> completed_openings_;  // by partition; only Step

  mutable Mutex mutex_;
  absl::flat_hash_map<NamespaceId, std::string> known_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
