#include "storage/namespace_table.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/log.h"
#include "common/status.h"

namespace halflife {
namespace {

constexpr uint32_t kOtherModels = kMaxModels - 1;
constexpr char kOtherModelsName[] = "other";

}  // namespace

absl::StatusOr<NamespaceRef> NamespaceTable::Open(const NamespaceDescriptor& descriptor) {
  bool added = false;
  HL_ASSIGN_OR_RETURN(NamespaceRef ns, FindOrAdd(descriptor, &added));
  if (added && ssd_ != nullptr) Save(ns);
  return ns;
}

absl::StatusOr<NamespaceRef> NamespaceTable::FindOrAdd(const NamespaceDescriptor& descriptor,
                                                       bool* added) {
  HL_RETURN_IF_ERROR(descriptor.Validate());
  const NamespaceId id = descriptor.Id();
  const KeyDeriver keys(secret_, id);
  MutexLock lock(mutex_);
  auto it = open_.find(id);
  if (it != open_.end()) {
    if (it->second->descriptor == descriptor) return it->second;
    return absl::FailedPreconditionError(absl::StrCat(
        "namespace ", ShortHex(id.bytes), ": open with another descriptor under the same id"));
  }
  if (open_.size() >= kMaxNamespaces) {
    return absl::ResourceExhaustedError(
        absl::StrCat("namespaces: ", open_.size(), " of ", kMaxNamespaces, " open"));
  }
  *added = true;
  auto ns = std::make_shared<const Namespace>(
      Namespace{id, descriptor, keys, next_number_++, ModelNumberLocked(descriptor.model_name)});
  open_[id] = ns;
  by_tenant_[descriptor.tenant].push_back(ns);
  return ns;
}

uint32_t NamespaceTable::ModelNumberLocked(const std::string& model_name) {
  if (model_name == kOtherModelsName) return kOtherModels;
  const auto known = std::find(model_names_.begin(), model_names_.end(), model_name);
  if (known != model_names_.end()) return static_cast<uint32_t>(known - model_names_.begin());
  if (model_names_.size() >= kOtherModels) return kOtherModels;
  model_names_.push_back(model_name);
  return static_cast<uint32_t>(model_names_.size() - 1);
}

std::vector<std::string> NamespaceTable::ModelNames() const {
  std::vector<std::string> names;
  {
    MutexLock lock(mutex_);
    names = model_names_;
  }
  names.resize(kMaxModels);
  names[kOtherModels] = kOtherModelsName;
  return names;
}

std::vector<NamespaceRef> NamespaceTable::SiblingsOf(const Namespace& ns) const {
  std::vector<NamespaceRef> siblings;
  MutexLock lock(mutex_);
  const auto tenant = by_tenant_.find(ns.descriptor.tenant);
  if (tenant == by_tenant_.end()) return siblings;
  for (auto one = tenant->second.rbegin(); one != tenant->second.rend(); ++one) {
    if (siblings.size() == kMaxSiblings) break;
    if ((*one)->id != ns.id) siblings.push_back(*one);
  }
  return siblings;
}

void NamespaceTable::Save(const NamespaceRef& ns) {
  const absl::Status saved = ssd_->PutNamespace(ns->id, ns->descriptor.Encode());
  if (saved.ok()) return;
  Log(Severity::kWarning, "store",
      absl::StrCat("namespace ", ShortHex(ns->id.bytes), " is not on SSD yet: ", saved.message()));
  MutexLock lock(mutex_);
  unsaved_.push_back(ns);
  any_unsaved_.store(true, std::memory_order_relaxed);
}

void NamespaceTable::SaveAgain(const NamespaceId& id) {
  const NamespaceRef ns = Find(id);
  if (ns != nullptr && ssd_ != nullptr) Save(ns);
}

void NamespaceTable::SaveUnsaved() {
  if (!any_unsaved_.load(std::memory_order_relaxed)) return;
  std::vector<NamespaceRef> waiting;
  {
    MutexLock lock(mutex_);
    waiting.swap(unsaved_);
    any_unsaved_.store(false, std::memory_order_relaxed);
  }
  std::vector<NamespaceRef> failed;
  for (const NamespaceRef& ns : waiting) {
    if (Find(ns->id) != ns) continue;  // deleted meanwhile
    if (!ssd_->PutNamespace(ns->id, ns->descriptor.Encode()).ok()) failed.push_back(ns);
  }
  if (failed.empty()) return;
  MutexLock lock(mutex_);
  unsaved_.insert(unsaved_.end(), failed.begin(), failed.end());
  any_unsaved_.store(true, std::memory_order_relaxed);
}

void NamespaceTable::Load() {
  if (ssd_ == nullptr) return;
  for (const std::string& bytes : ssd_->LoadNamespaces()) {
    absl::StatusOr<NamespaceDescriptor> descriptor = NamespaceDescriptor::Decode(bytes);
    bool added = false;
    absl::Status opened = descriptor.status();
    if (opened.ok()) opened = FindOrAdd(*descriptor, &added).status();
    if (!opened.ok()) {
      Log(Severity::kWarning, "store",
          absl::StrCat("a namespace found on SSD is not opened: ", opened.message()));
    }
  }
}

NamespaceRef NamespaceTable::Find(const NamespaceId& id) const {
  MutexLock lock(mutex_);
  auto it = open_.find(id);
  return it == open_.end() ? nullptr : it->second;
}

std::vector<NamespaceRef> NamespaceTable::All() const {
  std::vector<NamespaceRef> all;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, ns] : open_) all.push_back(ns);
  }
  std::sort(all.begin(), all.end(),
            [](const NamespaceRef& a, const NamespaceRef& b) { return a->number < b->number; });
  return all;
}

void NamespaceTable::Forget(const NamespaceRef& ns) {
  MutexLock lock(mutex_);
  auto it = open_.find(ns->id);
  if (it == open_.end() || it->second != ns) return;
  open_.erase(it);
  const auto tenant = by_tenant_.find(ns->descriptor.tenant);
  std::erase(tenant->second, ns);
  if (tenant->second.empty()) by_tenant_.erase(tenant);
}

}  // namespace halflife
