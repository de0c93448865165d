#include "common/config/effective_config.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/check.h"
#include "common/config/config_checks.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr size_t kDocWidth = 96;

struct Resolver {
  std::vector<EffectiveSetting> settings;
  std::vector<ConfigProblem> problems;

  Resolver() {
    for (const Setting& setting : Settings()) {
      absl::StatusOr<SettingValue> value = ParseSettingValue(setting, setting.default_text);
      HL_CHECK(value.ok());
      settings.push_back({.setting = &setting, .value = *std::move(value)});
    }
  }

  EffectiveSetting* Find(std::string_view key) {
    for (EffectiveSetting& effective : settings) {
      if (effective.setting->key == key) return &effective;
    }
    return nullptr;
  }

  void Set(std::string_view key, std::string_view text, ConfigOrigin origin, std::string where) {
    EffectiveSetting* effective = Find(key);
    HL_CHECK(effective != nullptr);
    absl::StatusOr<SettingValue> value = ParseSettingValue(*effective->setting, text);
    if (!value.ok()) {
      const bool names_key = where == StrCat("--", key);
      std::string reason(ToStd(value.status().message()));
      if (!names_key) reason = StrCat(key, ": ", reason);
      problems.push_back({std::move(where), std::move(reason)});
      return;
    }
    effective->value = *std::move(value);
    effective->origin = origin;
    effective->where = std::move(where);
  }
};

bool MustBePlain(SettingType type) {
  return type == SettingType::kInteger || type == SettingType::kBoolean ||
         type == SettingType::kRatio || type == SettingType::kDecimal;
}

void ApplyFile(const ConfigSources& sources, Resolver& resolver) {
  YamlScalars file = WalkYaml(sources.file_text, sources.file_name);
  resolver.problems = std::move(file.problems);
  for (const YamlScalar& scalar : file.scalars) {
    std::string where =
        StrCat(sources.file_name, ":", scalar.position.line, ":", scalar.position.column);
    const Setting& setting = *FindSetting(scalar.key);
    if (scalar.quoted && MustBePlain(setting.type)) {
      resolver.problems.push_back(
          {std::move(where), StrCat(scalar.key, ": expected ", ExpectationOf(setting),
                                    ", found text in quotes; remove the quotes")});
      continue;
    }
    resolver.Set(scalar.key, scalar.text, ConfigOrigin::kFile, std::move(where));
  }
}

// What Kubernetes puts into every container for a Service called halflife-<section>:
// HALFLIFE_SERVER_SERVICE_HOST, HALFLIFE_SERVER_PORT_50061_TCP, …
bool IsServiceLink(std::string_view name) {
  return absl::StrContains(ToAbsl(name), "_SERVICE_HOST") ||
         absl::StrContains(ToAbsl(name), "_SERVICE_PORT") ||
         absl::StrContains(ToAbsl(name), "_PORT_") || absl::EndsWith(ToAbsl(name), "_PORT");
}

void ApplyEnvironment(const ConfigSources& sources, Resolver& resolver) {
  std::map<std::string, const Setting*> by_name;
  std::vector<std::string> prefixes;
  for (const Setting& setting : Settings()) {
    std::string name = EnvironmentNameOf(setting);
    prefixes.push_back(name.substr(0, name.find('_', std::strlen("HALFLIFE_")) + 1));
    by_name.emplace(std::move(name), &setting);
  }
  for (const auto& variable : sources.environment) {
    const std::string& name = variable.first;
    if (const auto found = by_name.find(name); found != by_name.end()) {
      resolver.Set(found->second->key, variable.second, ConfigOrigin::kEnvironment, name);
      continue;
    }
    const bool in_a_section =
        std::any_of(prefixes.begin(), prefixes.end(),
                    [&](const std::string& prefix) { return absl::StartsWith(name, prefix); });
    if (!in_a_section || IsServiceLink(name)) continue;
    std::string key = absl::AsciiStrToLower(name.substr(std::strlen("HALFLIFE_")));
    std::replace(key.begin(), key.end(), '_', '.');
    const std::string_view nearest = NearestKey(key);
    const Setting* meant = FindSetting(nearest);
    resolver.problems.push_back({name, meant == nullptr ? "unknown setting"
                                                        : StrCat("unknown setting; did you mean ",
                                                                 EnvironmentNameOf(*meant), "?")});
  }
}

void ApplyFlags(const ConfigSources& sources, Resolver& resolver) {
  for (const auto& [key, text] : sources.flags) {
    if (FindSetting(key) == nullptr) {
      const std::string_view nearest = NearestKey(key);
      resolver.problems.push_back(
          {StrCat("--", key), nearest.empty()
                                  ? "unknown setting"
                                  : StrCat("unknown setting; did you mean --", nearest, "?")});
      continue;
    }
    resolver.Set(key, text, ConfigOrigin::kFlag, StrCat("--", key));
  }
}

absl::Status ProblemsAsStatus(std::vector<ConfigProblem> problems) {
  if (problems.empty()) return absl::OkStatus();
  if (problems.size() > kMaxProblems) problems.resize(kMaxProblems);
  return absl::InvalidArgumentError(absl::StrJoin(
      problems, "\n",
      [](std::string* out, const ConfigProblem& problem) { out->append(ToString(problem)); }));
}

std::vector<std::string> PathOf(const Setting& setting) {
  return absl::StrSplit(ToAbsl(setting.key), '.');
}

// Quoted where YAML would read something else than this text.
std::string YamlText(const EffectiveSetting& effective) {
  const SettingType type = effective.setting->type;
  const bool is_text = type == SettingType::kText || type == SettingType::kPath ||
                       type == SettingType::kSocketPath || type == SettingType::kAddress ||
                       type == SettingType::kIds || type == SettingType::kPins ||
                       type == SettingType::kLimits;
  if (!is_text) return effective.value.text;
  std::string quoted = "\"";
  for (const char c : effective.value.text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// Writes settings as nested maps: opens the sections that differ from the setting before.
class YamlWriter {
 public:
  // Returns the indentation of the setting itself.
  std::string OpenSections(const Setting& setting) {
    const std::vector<std::string> path = PathOf(setting);
    size_t shared = 0;
    while (shared + 1 < path.size() && shared + 1 < previous_.size() &&
           path[shared] == previous_[shared]) {
      ++shared;
    }
    for (size_t level = shared; level + 1 < path.size(); ++level) {
      absl::StrAppend(&text_, std::string(2 * level, ' '), path[level], ":\n");
    }
    previous_ = path;
    return std::string(2 * (path.size() - 1), ' ');
  }

  void Line(const std::string& line) { absl::StrAppend(&text_, line, "\n"); }

  void Comment(const std::string& indentation, std::string_view paragraph) {
    std::string line = indentation + "#";
    for (const absl::string_view word : absl::StrSplit(ToAbsl(paragraph), ' ')) {
      if (line.size() + 1 + word.size() > kDocWidth) {
        Line(line);
        line = indentation + "#";
      }
      absl::StrAppend(&line, " ", word);
    }
    Line(line);
  }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
  std::vector<std::string> previous_;
};

std::string LastWordOf(const Setting& setting) { return PathOf(setting).back(); }

}  // namespace

absl::Status ReadConfigFile(const std::string& file_name, ConfigSources& sources) {
  std::ifstream file(file_name, std::ios::binary);
  if (!file) return absl::NotFoundError(StrCat(file_name, ": ", std::strerror(errno)));
  // One byte more than is allowed, so that WalkYaml can tell; /dev/zero must not be read to its
  // end.
  std::string text(kMaxConfigFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad())
    return absl::InvalidArgumentError(StrCat(file_name, ": cannot be read as a file"));
  text.resize(static_cast<size_t>(file.gcount()));
  sources.file_name = file_name;
  sources.file_text = std::move(text);
  return absl::OkStatus();
}

absl::StatusOr<EffectiveConfig> ResolveConfig(const ConfigSources& sources) {
  Resolver resolver;
  if (!sources.file_name.empty()) ApplyFile(sources, resolver);
  ApplyEnvironment(sources, resolver);
  ApplyFlags(sources, resolver);
  if (absl::Status status = ProblemsAsStatus(std::move(resolver.problems)); !status.ok())
    return status;
  EffectiveConfig config;
  config.settings_ = std::move(resolver.settings);
  config.file_name_ = sources.file_name;
  for (const EffectiveSetting& effective : config.settings_) {
    effective.setting->apply(effective.value, config.values_);
  }
  if (absl::Status status = ProblemsAsStatus(CheckConsistency(config)); !status.ok()) return status;
  return config;
}

const EffectiveSetting& EffectiveConfig::Get(std::string_view key) const {
  const auto found = std::find_if(
      settings_.begin(), settings_.end(),
      [&](const EffectiveSetting& effective) { return effective.setting->key == key; });
  HL_CHECK(found != settings_.end());
  return *found;
}

std::string EffectiveConfig::ToYaml() const {
  YamlWriter writer;
  for (const EffectiveSetting& effective : settings_) {
    const std::string indentation = writer.OpenSections(*effective.setting);
    writer.Line(StrCat(indentation, LastWordOf(*effective.setting), ": ", YamlText(effective),
                       "  # ", effective.where));
  }
  return writer.Take();
}

EffectiveConfig EffectiveConfig::WithReloadableOf(const EffectiveConfig& next) const {
  EffectiveConfig merged = *this;
  for (size_t i = 0; i < merged.settings_.size(); ++i) {
    EffectiveSetting& effective = merged.settings_[i];
    if (!effective.setting->reloadable) continue;
    effective = next.settings_[i];
    effective.setting->apply(effective.value, merged.values_);
  }
  return merged;
}

std::string DefaultConfigYaml() {
  YamlWriter writer;
  writer.Line(
      "# Configuration of halflifed: every setting with its default. Remove what you do not "
      "change.");
  for (const EffectiveSetting& effective : Resolver().settings) {
    const Setting& setting = *effective.setting;
    const std::string indentation = writer.OpenSections(setting);
    writer.Line("");
    writer.Comment(indentation, setting.doc);
    writer.Comment(
        indentation,
        StrCat("Takes ", ExpectationOf(setting), ". Environment: ", EnvironmentNameOf(setting),
               setting.reloadable ? ". SIGHUP applies a change." : ". A change needs a restart."));
    writer.Line(StrCat(indentation, LastWordOf(setting), ": ", YamlText(effective)));
  }
  return writer.Take();
}

ConfigChanges CompareConfigs(const EffectiveConfig& before, const EffectiveConfig& after) {
  ConfigChanges changes;
  for (size_t i = 0; i < before.settings().size(); ++i) {
    const EffectiveSetting& old_one = before.settings()[i];
    if (old_one.value.text == after.settings()[i].value.text) continue;
    std::vector<std::string>& list =
        old_one.setting->reloadable ? changes.applied : changes.need_a_restart;
    list.emplace_back(old_one.setting->key);
  }
  return changes;
}

}  // namespace halflife
