#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config.h"
#include "common/config/settings.h"
#include "common/config/yaml_walker.h"

namespace halflife {

// Where the values may come from; a later source wins: default < file < environment < flags.
struct ConfigSources {
  std::string file_name;  // for messages; empty = no file
  std::string file_text;
  std::vector<std::pair<std::string, std::string>> environment;  // HALFLIFE_… names
  std::vector<std::pair<std::string, std::string>> flags;        // full keys, without the dashes
};

// Reads `file_name` into sources.file_text. Returns: kNotFound or kInvalidArgument naming the file
// and the reason.
absl::Status ReadConfigFile(const std::string& file_name, ConfigSources& sources);

enum class ConfigOrigin { kDefault, kFile, kEnvironment, kFlag };

// One setting with the value in force.
struct EffectiveSetting {
  const Setting* setting = nullptr;
  SettingValue value;
  ConfigOrigin origin = ConfigOrigin::kDefault;
  std::string where = "default";  // "halflife.yaml:3:5", "HALFLIFE_LOG_LEVEL", "--log.level"
};

// A complete, consistent configuration and where each value came from. Immutable once resolved.
class EffectiveConfig {
 public:
  const Config& values() const { return values_; }
  // In table order.
  const std::vector<EffectiveSetting>& settings() const { return settings_; }
  // The setting must exist.
  const EffectiveSetting& Get(std::string_view key) const;
  const std::string& file_name() const { return file_name_; }

  // Nested YAML with the origin of each value as a comment; reads back as the same configuration.
  // Values of sensitive settings that are not plain paths cannot occur: they do not pass their
  // checks.
  std::string ToYaml() const;

  // This configuration with the reloadable settings of `next`.
  EffectiveConfig WithReloadableOf(const EffectiveConfig& next) const;

 private:
  friend absl::StatusOr<EffectiveConfig> ResolveConfig(const ConfigSources& sources);

  Config values_;
  std::vector<EffectiveSetting> settings_;
  std::string file_name_;
};

// Returns: kInvalidArgument with one line for each problem (place, key, what is wrong, what to
// write instead).
absl::StatusOr<EffectiveConfig> ResolveConfig(const ConfigSources& sources);

// The embedded defaults as a commented file to start from.
std::string DefaultConfigYaml();

// What a reload from `before` to `after` means, by key.
struct ConfigChanges {
  std::vector<std::string> applied;         // reloadable
  std::vector<std::string> need_a_restart;  // keep their old value until then
};
ConfigChanges CompareConfigs(const EffectiveConfig& before, const EffectiveConfig& after);

}  // namespace halflife
