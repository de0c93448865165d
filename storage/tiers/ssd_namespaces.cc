#include "storage/tiers/ssd_namespaces.h"

#include <algorithm>

#include "common/killpoint.h"
#include "common/log.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

absl::Status NotNow(int partition) {
  return absl::UnavailableError(StrCat("SSD tier: partition ", partition, " takes no writes now"));
}

}  // namespace

void SsdNamespaces::Load() {
  for (const std::unique_ptr<SsdPartition>& partition : context_.partitions) {
    const SsdPartition::Use use = partition->use();
    if (use.index == nullptr) continue;
    const auto some = use.index->Namespaces();
    if (!some.ok()) {
      Log(Severity::kWarning, "ssd", ToStd(some.status().message()));
      continue;
    }
    MutexLock lock(mutex_);
    known_.insert(some->begin(), some->end());
  }
  Step();
}

absl::Status SsdNamespaces::Put(const NamespaceId& id, const std::string& descriptor) {
  {
    // Before the partitions, so that one that is opened meanwhile gets it.
    MutexLock lock(mutex_);
    known_[id] = descriptor;
  }
  HL_KILLPOINT("ssd.namespace.before");
  absl::Status last = absl::UnavailableError("SSD tier: no partition takes writes now");
  bool stored = false;
  for (const std::unique_ptr<SsdPartition>& partition : context_.partitions) {
    const SsdPartition::Use use = partition->use();
    if (!use.writable) continue;
    last = use.index->PutNamespace(id, descriptor);
    partition->NoteWriteFailure(last);
    stored = stored || last.ok();
  }
  HL_KILLPOINT("ssd.namespace.after");
  if (stored) return absl::OkStatus();
  return absl::UnavailableError(last.message());
}

void SsdNamespaces::Forget(const NamespaceId& id) {
  MutexLock lock(mutex_);
  known_.erase(id);
}

std::vector<std::string> SsdNamespaces::All() const {
  std::vector<std::string> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, descriptor] : known_) all.push_back(descriptor);
  }
  std::sort(all.begin(), all.end());
  return all;
}

bool SsdNamespaces::Knows(const NamespaceId& id) const {
  MutexLock lock(mutex_);
  return known_.contains(id);
}

void SsdNamespaces::Step() {
  completed_openings_.resize(context_.partitions.size(), 0);
  for (size_t i = 0; i < context_.partitions.size(); ++i) {
    const uint64_t openings = context_.partitions[i]->openings();
    if (openings == completed_openings_[i]) continue;
    // Else the next Step tries again.
    if (Complete(*context_.partitions[i]).ok()) completed_openings_[i] = openings;
  }
}

absl::Status SsdNamespaces::Complete(SsdPartition& partition) {
  const SsdPartition::Use use = partition.use();
  if (!use.writable) return NotNow(partition.number());
  HL_ASSIGN_OR_RETURN(const auto there, use.index->Namespaces());
  absl::flat_hash_map<NamespaceId, std::string> wanted;
  {
    MutexLock lock(mutex_);
    wanted = known_;
  }
  for (const auto& [id, descriptor] : wanted) {
    if (there.contains(id)) continue;
    const absl::Status put = use.index->PutNamespace(id, descriptor);
    partition.NoteWriteFailure(put);
    HL_RETURN_IF_ERROR(put);
    // Deleted meanwhile: left there it would only be a namespace without blocks.
    if (!Knows(id)) use.index->ForgetNamespace(id).IgnoreError();
  }
  return absl::OkStatus();
}

}  // namespace halflife
