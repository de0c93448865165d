#include "storage/residency/category_table.h"

#include <iterator>
#include <utility>

#include "common/strings.h"

namespace halflife {
namespace {

constexpr Category kOther = kMaxCategories - 1;
// Profiles that our own clients and workloads name; docs/operations.md lists them.
constexpr const char* kWellKnownApps[] = {"chat", "api", "agent", "rag", "code", "batch"};
constexpr const char* kTurnSuffixes[] = {"", "/1", "/2", "/3-4", "/5-8", "/9+"};
constexpr Category kWellKnownCategories = 1 + std::size(kTurnSuffixes) * std::size(kWellKnownApps);

constexpr std::string_view kPinPrefix = "pin ";
static_assert(kWellKnownCategories + kMaxPinnedCategories + CategoryTable::kReservedForTurns <
              kMaxCategories);

// The app of a request that names none, but a turn or a stop reason.
constexpr const char* kNoApp = "unknown";

const std::string& AppOf(const RequestAttributes& attributes) {
  static const std::string* const no_app = new std::string(kNoApp);
  return attributes.app.empty() ? *no_app : attributes.app;
}

}  // namespace

CategoryTable::CategoryTable(PinnedCategories pins)
    : pins_(std::move(pins)), current_(Initial(pins_)) {}

std::shared_ptr<const CategoryTable::Snapshot> CategoryTable::Initial(
    const PinnedCategories& pins) {
  static_assert(std::size(kTurnSuffixes) == kTurns);
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->names.emplace_back("unknown");
  for (const char* app : kWellKnownApps) {
    for (int turn = 0; turn < kTurns; ++turn) {
      Add(app, static_cast<Turn>(turn), "", snapshot.get());
    }
  }
  // Behind the well-known ones, whose numbers are on disk.
  for (const std::string& name : pins.names()) {
    snapshot->names.push_back(StrCat(kPinPrefix, name));
  }
  return snapshot;
}

CategoryTable::Turn CategoryTable::TurnOf(uint32_t turn) {
  if (turn <= 2) return static_cast<Turn>(turn);
  if (turn <= 4) return kThirdAndFourth;
  return turn <= 8 ? kFifthToEighth : kLater;
}

void CategoryTable::Add(const std::string& app, Turn turn, const std::string& stop_reason,
                        Snapshot* snapshot) {
  App& added = snapshot->apps[app];
  const auto number = static_cast<Category>(snapshot->names.size());
  if (stop_reason.empty()) {
    added.turns[turn] = number;
    snapshot->names.push_back(StrCat(app, kTurnSuffixes[turn]));
  } else {
    added.by_stop_reason[stop_reason][turn] = number;
    snapshot->names.push_back(StrCat(app, kTurnSuffixes[turn], "/", stop_reason));
  }
}

std::shared_ptr<const CategoryTable::Snapshot> CategoryTable::Current() const {
  MutexLock lock(mutex_);
  return current_;
}

Category CategoryTable::CategoryOf(const RequestAttributes& attributes,
                                   const NamespaceDescriptor* ns) {
  const int pin = pins_.Find(attributes, ns);
  return pin >= 0 ? static_cast<Category>(kWellKnownCategories + pin)
                  : CategoryOfCombination(attributes);
}

Category CategoryTable::CategoryOfCombination(const RequestAttributes& attributes) {
  const bool says_nothing =
      attributes.app.empty() && attributes.turn == 0 && attributes.stop_reason.empty();
  // Two categories must not have one name.
  if (says_nothing || attributes.app.starts_with(kPinPrefix)) return kUnknownCategory;
  // Each turn of the loop either answers or follows an addition, and there are few to make.
  while (true) {
    const std::shared_ptr<const Snapshot> snapshot = Current();
    const Category known = Find(*snapshot, attributes);
    if (known != kUnknownCategory) return known;
    if (MayAdd(*snapshot, attributes)) {
      Learn(attributes);
      continue;
    }
    if (attributes.stop_reason.empty()) return kOther;
    RequestAttributes coarser;
    coarser.app = attributes.app;
    coarser.turn = attributes.turn;
    return CategoryOfCombination(coarser);
  }
}

// kUnknownCategory if this very combination has no number.
Category CategoryTable::Find(const Snapshot& snapshot, const RequestAttributes& attributes) {
  const auto app = snapshot.apps.find(AppOf(attributes));
  if (app == snapshot.apps.end()) return kUnknownCategory;
  const Turn turn = TurnOf(attributes.turn);
  if (attributes.stop_reason.empty()) return app->second.turns[turn];
  const auto stop = app->second.by_stop_reason.find(attributes.stop_reason);
  return stop == app->second.by_stop_reason.end() ? kUnknownCategory : stop->second[turn];
}

bool CategoryTable::MayAdd(const Snapshot& snapshot, const RequestAttributes& attributes) {
  const Category limit = attributes.stop_reason.empty() ? kOther : kOther - kReservedForTurns;
  return snapshot.names.size() < limit;
}

void CategoryTable::Learn(const RequestAttributes& attributes) {
  std::shared_ptr<const Snapshot> before = Current();
  if (Find(*before, attributes) != kUnknownCategory || !MayAdd(*before, attributes)) return;
  auto next = std::make_shared<Snapshot>(*before);
  Add(AppOf(attributes), TurnOf(attributes.turn), attributes.stop_reason, next.get());
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
