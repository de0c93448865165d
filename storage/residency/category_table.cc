#include "storage/residency/category_table.h"

namespace halflife {
namespace {

constexpr Category kOther = kMaxCategories - 1;
// Profiles that our own clients and workloads name; docs/operations.md lists them.
constexpr const char* kWellKnownApps[] = {"chat", "api", "agent", "rag", "code", "batch"};
constexpr Category kWellKnownCategories = 1 + 3 * std::size(kWellKnownApps);

}  // namespace

CategoryTable::CategoryTable() : current_(Initial()) {}

std::shared_ptr<const CategoryTable::Snapshot> CategoryTable::Initial() {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->names.push_back("unknown");
  for (const char* app : kWellKnownApps) AddApp(app, snapshot.get());
  return snapshot;
}

void CategoryTable::AddApp(const std::string& app, Snapshot* snapshot) {
  constexpr const char* kSuffixes[kTurns] = {"", "/1", "/2+"};
  std::array<Category, kTurns>& categories = snapshot->apps[app];
  for (int turn = 0; turn < kTurns; ++turn) {
    categories[turn] = kOther;
    if (snapshot->names.size() >= kOther) continue;
    categories[turn] = static_cast<Category>(snapshot->names.size());
    snapshot->names.push_back(app + kSuffixes[turn]);
  }
}

std::shared_ptr<const CategoryTable::Snapshot> CategoryTable::Current() const {
  MutexLock lock(mutex_);
  return current_;
}

Category CategoryTable::CategoryOf(const RequestAttributes& attributes) {
  if (attributes.app.empty()) return kUnknownCategory;
  const Turn turn = attributes.turn == 0 ? kAny : attributes.turn == 1 ? kFirst : kLater;
  // Each turn of the loop either answers or follows an addition, and there are few to make.
  while (true) {
    const std::shared_ptr<const Snapshot> snapshot = Current();
    auto it = snapshot->apps.find(attributes.app);
    if (it != snapshot->apps.end()) return it->second[turn];
    if (snapshot->names.size() >= kOther) return kOther;
    Learn(attributes.app);
  }
}

void CategoryTable::Learn(const std::string& app) {
  std::shared_ptr<const Snapshot> before = Current();
  auto next = std::make_shared<Snapshot>(*before);
  if (!next->apps.contains(app)) AddApp(app, next.get());
  MutexLock lock(mutex_);
  if (current_ == before) current_ = std::move(next);  // `before` still holds the old one
}

Category CategoryTable::Persisted(Category category) {
  return category < kWellKnownCategories ? category : kUnknownCategory;
}

std::vector<std::string> CategoryTable::Names() const {
  std::vector<std::string> names = Current()->names;
  if (names.size() >= kOther) names.push_back("other");
  return names;
}

}  // namespace halflife
