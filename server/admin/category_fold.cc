#include "server/admin/category_fold.h"

#include <algorithm>
#include <utility>

namespace halflife {
namespace {

constexpr char kOther[] = "other";

template <typename Counts>
void AddAll(Counts& to, const Counts& from) {
  for (size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

void Add(const CountHistogram::Snapshot& from, CountHistogram::Snapshot& to) {
  AddAll(to.counts, from.counts);
  to.sum += from.sum;
}

void Add(const CategoryStats& from, CategoryStats& to) {
  to.RequestStats::Add(from);
  Add(from.matched_blocks, to.matched_blocks);
  AddAll(to.get_blocks, from.get_blocks);
  AddAll(to.get_bytes, from.get_bytes);
  to.put_bytes += from.put_bytes;
  AddAll(to.resident_blocks, from.resident_blocks);
  for (int tier = 0; tier < 2; ++tier) {
    AddAll(to.evicted_blocks[tier], from.evicted_blocks[tier]);
    AddAll(to.evicted_bytes[tier], from.evicted_bytes[tier]);
  }
  AddAll(to.evicted_unused_blocks, from.evicted_unused_blocks);
  AddAll(to.admission_refused_blocks, from.admission_refused_blocks);
  to.lifespan_ms.Add(from.lifespan_ms);
  to.reuse_gap_ms.Add(from.reuse_gap_ms);
  to.idle_before_evict_ms.Add(from.idle_before_evict_ms);
  to.evict_reuse_gap_ms.Add(from.evict_reuse_gap_ms);
  Add(from.reuses, to.reuses);
}

bool IsActive(const CategoryStats& category) {
  return category.any() || category.resident_blocks != std::array<uint64_t, 2>{} ||
         category.get_blocks != std::array<uint64_t, 2>{};
}

}  // namespace

bool CategoryFold::IsOwn(const std::string& category) const {
  MutexLock lock(mutex_);
  return own_.contains(category);
}

void CategoryFold::Choose(const StoreStats& store) {
  MutexLock lock(mutex_);
  for (const CategoryStats& category : store.categories) {
    if (!IsActive(category) || category.name == kOther) continue;
    if (own_.contains(category.name) || folded_.contains(category.name)) continue;
    (own_.size() < kOwn ? own_ : folded_).insert(category.name);
  }
}

void CategoryFold::Fold(StoreStats* store) {
  Choose(*store);
  std::vector<CategoryStats> categories;
  CategoryStats other;
  other.name = kOther;
  for (CategoryStats& category : store->categories) {
    if (IsOwn(category.name)) {
      categories.push_back(std::move(category));
    } else {
      Add(category, other);
    }
  }
  categories.push_back(std::move(other));
  store->categories = std::move(categories);

  std::vector<ModelStats> models;
  for (ModelStats& model : store->models) {
    if (!IsOwn(model.category)) model.category = kOther;
    const auto same = std::find_if(models.begin(), models.end(), [&model](const ModelStats& known) {
      return known.model_name == model.model_name && known.category == model.category;
    });
    if (same == models.end()) {
      models.push_back(std::move(model));
    } else {
      same->requests.Add(model.requests);
    }
  }
  store->models = std::move(models);
}

}  // namespace halflife
