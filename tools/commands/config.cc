#include <memory>
#include <string>
#include <vector>

#include "common/config/effective_config.h"
#include "common/config/environment.h"
#include "common/strings.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

// Of this program: no setting of the daemon.
constexpr char kEndpointVariable[] = "HALFLIFE_ENDPOINT";

struct Options {
  std::string path;
  std::vector<std::string> settings;  // key=value
  bool defaults = false;
};

absl::StatusOr<EffectiveConfig> Resolve(const Options& options) {
  ConfigSources sources;
  if (!options.path.empty()) {
    if (absl::Status status = ReadConfigFile(options.path, sources); !status.ok()) return status;
  }
  for (auto& variable : EnvironmentWithPrefix("HALFLIFE_")) {
    if (variable.first != kEndpointVariable) sources.environment.push_back(std::move(variable));
  }
  for (const std::string& setting : options.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("'", setting, "' is not key=value"));
    }
    sources.flags.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return ResolveConfig(sources);
}

int RunCheck(const Context& context, const Options& options) {
  const auto config = Resolve(options);
  if (!config.ok()) return FailInput(config.status());
  Table table = Table::Record("config");
  table.Set("file", options.path.empty() ? Cell::None() : Cell::Text(options.path));
  table.Set("valid", Cell::Bool(true));
  return context.Print({{table}});
}

const char* OriginName(ConfigOrigin origin) {
  switch (origin) {
    case ConfigOrigin::kDefault:
      return "default";
    case ConfigOrigin::kFile:
      return "file";
    case ConfigOrigin::kEnvironment:
      return "environment";
    case ConfigOrigin::kFlag:
      return "flag";
  }
  return "unknown";
}

int RunPrint(const Context& context, const Options& options) {
  if (options.defaults) return context.PrintText(DefaultConfigYaml());
  const auto config = Resolve(options);
  if (!config.ok()) return FailInput(config.status());
  if (context.output == OutputFormat::kTable) return context.PrintText(config->ToYaml());
  Table table{"config", {"key", "value", "origin", "where"}, {}};
  for (const EffectiveSetting& setting : config->settings()) {
    table.AddRow({Cell::Text(std::string(setting.setting->key)), Cell::Text(setting.value.text),
                  Cell::Text(OriginName(setting.origin)), Cell::Text(setting.where)});
  }
  return context.Print({{table}});
}

void AddSources(CLI::App* command, Options& options) {
  command->add_option("-c,--config", options.path, "YAML file; without it, the defaults");
  command->add_option("--set", options.settings, "key=value, as the daemon's flag --key value");
}

}  // namespace

void AddConfigCommands(CLI::App& app, Context& context) {
  CLI::App* config = app.add_subcommand("config", "Configuration of the daemon");
  auto options = std::make_shared<Options>();
  CLI::App* check = config->add_subcommand("check", "Whether a daemon would accept it");
  AddSources(check, *options);
  context.OnRun(check, [&context, options] { return RunCheck(context, *options); });
  CLI::App* print =
      config->add_subcommand("print", "The values in force, each with where it comes from");
  AddSources(print, *options);
  print->add_flag("--default", options->defaults, "A commented file of the defaults instead");
  context.OnRun(print, [&context, options] { return RunPrint(context, *options); });
}

}  // namespace halflife::tools
