#include "tools/cli/app.h"

#include <exception>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/strings.h"
#include "tools/cli/option_values.h"
#include "tools/commands/commands.h"

#ifndef HL_VERSION
#error "HL_VERSION comes from the build"
#endif

namespace halflife::tools {
namespace {

constexpr char kDefaultEndpoint[] = "unix:///run/halflife/halflife.sock";

constexpr char kFooter[] =
    "Every command also takes --endpoint, --output and --quiet: see 'halflife --help'.\n"
    "Exit codes: 0 ok, 1 miss, not found or unhealthy, 2 bad arguments or input, 3 daemon\n"
    "unavailable, 4 wrong bytes, 5 refused or any other failure.";

void AddGlobalOptions(CLI::App& app, Context& context) {
  context.endpoint = kDefaultEndpoint;
  app.add_option("--endpoint", context.endpoint, "Daemon: unix:///path or host:port")
      ->envname("HALFLIFE_ENDPOINT")
      ->capture_default_str();
  AddChoice(
      &app, "-o,--output", context.output,
      {{"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"csv", OutputFormat::kCsv}},
      "table (for people), json or csv (for programs)");
  app.add_flag("-q,--quiet", context.quiet, "No progress on stderr");
}

bool AnyCommand(const CLI::App* /*command*/) { return true; }

// Global options may follow the command.
void LetGlobalsFollow(CLI::App& command) {
  for (CLI::App* sub : command.get_subcommands([](CLI::App*) { return true; })) {
    sub->fallthrough();
    LetGlobalsFollow(*sub);
  }
}

// The command on the command line, as far as it was understood.
const CLI::App& ParsedCommand(const CLI::App& app) {
  const auto further = app.get_subcommands();
  return further.empty() ? app : ParsedCommand(*further.back());
}

int FailParse(const CLI::App& app, std::string_view message) {
  std::string command;  // "halflife trace info"
  for (const CLI::App* at = &ParsedCommand(app); at != nullptr; at = at->get_parent()) {
    command = StrCat(at->get_name(), command.empty() ? "" : " ", command);
  }
  return FailUsage(StrCat(message, "\nTry '", command, " --help'."));
}

// The parser's own message names what it did not expect from back to front, and a misspelt command
// along with all that follows it.
std::string UnexpectedIn(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining(true);
  const bool has_commands = !ParsedCommand(app).get_subcommands(AnyCommand).empty();
  if (has_commands && rest.front()[0] != '-') return StrCat("unknown command '", rest.front(), "'");
  return StrCat("unknown or superfluous: ", absl::StrJoin(rest, " "));
}

int Parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    return kExitOk;
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    return -1;
  } catch (const CLI::ExtrasError&) {
    return FailParse(app, UnexpectedIn(app));
  } catch (const CLI::ParseError& error) {
    return FailParse(app, error.what());
  } catch (const std::exception& error) {
    return FailUsage(error.what());
  }
}

}  // namespace

std::unique_ptr<CLI::App> MakeApp(Context& context) {
  auto app = std::make_unique<CLI::App>("Halflife: KV-cache blocks outside the engine", "halflife");
  app->set_version_flag("--version", std::string("halflife ") + HL_VERSION);
  app->footer(kFooter);
  AddGlobalOptions(*app, context);
  AddHealthCommand(*app, context);
  AddStatsCommand(*app, context);
  AddNamespacesCommand(*app, context);
  AddModelCommand(*app, context);
  AddExplainCommand(*app, context);
  AddLookupCommand(*app, context);
  AddGetCommand(*app, context);
  AddPutCommand(*app, context);
  AddDeleteCommand(*app, context);
  AddTraceCommands(*app, context);
  AddWorkloadCommands(*app, context);
  AddAnalyzeCommand(*app, context);
  AddSimulateCommand(*app, context);
  AddSweepCommand(*app, context);
  AddPlanCommand(*app, context);
  AddBenchCommand(*app, context);
  AddConfigCommands(*app, context);
  AddCompletionCommand(*app, context);
  LetGlobalsFollow(*app);
  return app;
}

int RunCommandLine(int argc, const char* const* argv) {
  Context context;
  const auto app = MakeApp(context);
  const int parsed = Parse(*app, argc, argv);
  if (parsed < 0) return kExitOk;
  if (parsed != kExitOk) return parsed;
  // Asked here and not of CLI11, which would complain of a missing command when one is misspelt.
  if (!context.has_action()) return FailParse(*app, "a command is missing");
  if (context.endpoint.empty()) {
    return FailUsage("--endpoint is empty: give unix:///path or host:port");
  }
  return context.RunAction();
}

}  // namespace halflife::tools
