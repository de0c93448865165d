#include <CLI/CLI.hpp>

#include <deque>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "common/config/effective_config.h"
#include "common/config/environment.h"
#include "common/status.h"
#include "server/admin/build_facts.h"
#include "server/daemon.h"
#include "server/exit_code.h"
#include "server/node_options.h"
#include "server/process_setup.h"
#include "server/tenant_secret.h"

namespace halflife {
namespace {

struct CommandLine {
  std::string config_file;
  bool version = false;
  std::string output = "text";
  bool check_config = false;
  bool print_config = false;
  bool print_default_config = false;
  bool insecure_listen = false;
  std::vector<std::pair<std::string, std::string>> flags;  // settings, by key
};

constexpr const char* kFooter =
    "Values: default < --config file < HALFLIFE_SECTION_KEY environment < flag.\n"
    "Signals: SIGTERM, SIGINT drain and stop (again: at once); SIGHUP reloads; SIGUSR1 logs the "
    "state.\n"
    "Exit codes: 0 stopped or answered, 2 bad configuration, 3 in use by another process, 4 cannot "
    "start,\n"
    "143 cut short by a second SIGTERM.";

// In the reverse order that CLI11 wants. It takes "--key=" for a key without a value and would eat
// the next argument.
std::vector<std::string> Arguments(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.size() > 3 && argument.substr(0, 2) == "--" &&
        argument.find('=') == argument.size() - 1) {
      argument.pop_back();
      arguments.emplace_back();
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

// Returns true if the program is to go on, else `exit_code` is what to end with.
bool Parse(int argc, char** argv, CommandLine& line, int& exit_code) {
  CLI::App app("halflifed: keeps KV-cache blocks of LLM prompts in DRAM and on SSD.", "halflifed");
  app.footer(kFooter);
  app.add_option("--config", line.config_file, "YAML file with settings")->type_name("FILE");
  app.add_flag("--version", line.version, "Print the version and exit");
  app.add_option("--output", line.output, "Form of --version: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->type_name("FORM");
  app.add_flag("--check-config", line.check_config,
               "Check the configuration and exit: 0 good, 2 bad");
  app.add_flag("--print-config", line.print_config,
               "Print the configuration in force with origins, and exit");
  app.add_flag("--print-default-config", line.print_default_config,
               "Print a commented default file, and exit");
  app.add_flag("--insecure-listen", line.insecure_listen, "Same as --server.insecure_listen true");
  std::deque<std::string> values;  // addresses stay
  std::vector<std::pair<CLI::Option*, std::string_view>> options;
  for (const Setting& setting : Settings()) {
    CLI::Option* option = app.add_option(
        "--" + std::string(setting.key), values.emplace_back(),
        ExpectationOf(setting) + "; default " +
            (setting.default_text.empty() ? "empty" : std::string(setting.default_text)));
    option->type_name("")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)
        ->group("Settings (--print-default-config explains them)");
    options.emplace_back(option, setting.key);
  }
  try {
    app.parse(Arguments(argc, argv));
  } catch (const CLI::ParseError& error) {
    const bool asked_for_help = error.get_exit_code() == 0;
    exit_code = asked_for_help ? kExitOk : kExitBadConfig;
    if (asked_for_help) {
      app.exit(error);
    } else {
      std::cerr << "halflifed: " << error.what() << "\nTry 'halflifed --help' for the settings.\n";
    }
    return false;
  }
  if (line.insecure_listen) line.flags.emplace_back("server.insecure_listen", "true");
  for (size_t i = 0; i < options.size(); ++i) {
    if (options[i].first->count() > 0) line.flags.emplace_back(options[i].second, values[i]);
  }
  return true;
}

absl::StatusOr<EffectiveConfig> LoadConfig(const CommandLine& line) {
  ConfigSources sources{.file_name = "",
                        .file_text = "",
                        .environment = EnvironmentWithPrefix("HALFLIFE_"),
                        .flags = line.flags};
  if (!line.config_file.empty()) {
    if (absl::Status read = ReadConfigFile(line.config_file, sources); !read.ok()) {
      return absl::InvalidArgumentError(read.message());
    }
  }
  HL_ASSIGN_OR_RETURN(EffectiveConfig config, ResolveConfig(sources));
  // A configured secret is checked with the rest; one that is made at the first start is not
  // touched.
  if (const std::string& file = config.values().secret_file; !file.empty()) {
    HL_RETURN_IF_ERROR(LoadTenantSecret({.file = file, .default_file = ""}).status());
  }
  return config;
}

int Run(int argc, char** argv) {
  CommandLine line;
  int exit_code = kExitOk;
  if (!Parse(argc, argv, line, exit_code)) return exit_code;
  if (line.version) {
    std::cout << (line.output == "json" ? VersionJson(ThisBuild()) : VersionText(ThisBuild()))
              << "\n";
    return kExitOk;
  }
  if (line.print_default_config) {
    std::cout << DefaultConfigYaml();
    return kExitOk;
  }
  const absl::StatusOr<EffectiveConfig> config = LoadConfig(line);
  if (!config.ok()) {
    std::cerr << config.status().message() << "\n";
    return kExitBadConfig;
  }
  if (line.print_config) std::cout << config->ToYaml();
  if (line.check_config && !line.print_config) std::cout << "the configuration is good\n";
  if (line.check_config || line.print_config) return kExitOk;
  return RunDaemon(*config, [&line] { return LoadConfig(line); });
}

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  halflife::TuneAllocator();
  halflife::HardenProcess();
  return halflife::Run(argc, argv);
}
