#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "storage/block_store.h"

namespace halflife {

// The open namespaces of a node. Descriptors are written to the SSD tier, so that blocks which are
// found there at the next start can be served. Thread-safe; borrows the tier, which may be null.
class NamespaceTable {
 public:
  NamespaceTable(const TenantSecret& secret, SsdTier* ssd) : secret_(secret), ssd_(ssd) {}

  // As BlockStore::OpenNamespace. May block on the SSD.
  absl::StatusOr<NamespaceRef> Open(const NamespaceDescriptor& descriptor);
  // Opens what the SSD tier remembers. Descriptors that do not decode are skipped and logged.
  void Load();
  NamespaceRef Find(const NamespaceId& id) const;
  std::vector<NamespaceRef> All() const;
  // Other open namespaces of the same tenant, the latest first, at most kMaxSiblings: whoever may
  // ask for one may ask for the others.
  static constexpr size_t kMaxSiblings = 8;
  std::vector<NamespaceRef> SiblingsOf(const Namespace& ns) const;
  // Names of models by Namespace::model. They stay when their namespaces go: counters do too.
  std::vector<std::string> ModelNames() const;
  // Takes it out; requests that hold it keep it. The SSD tier is the caller's to tell.
  void Forget(const NamespaceRef& ns);
  // If it is open: writes its descriptor once more. May block on the SSD.
  void SaveAgain(const NamespaceId& id);
  // Writes descriptors again that the tier could not take. May block on the SSD.
  void SaveUnsaved();

 private:
  absl::StatusOr<NamespaceRef> FindOrAdd(const NamespaceDescriptor& descriptor, bool* added);
  void Save(const NamespaceRef& ns);
  uint32_t ModelNumberLocked(const std::string& model_name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const TenantSecret secret_;
  SsdTier* const ssd_;
  std::atomic<bool> any_unsaved_{false};

  mutable Mutex mutex_;
  absl::flat_hash_map<NamespaceId, NamespaceRef> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<NamespaceRef> unsaved_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, std::vector<NamespaceRef>> by_tenant_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> model_names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
