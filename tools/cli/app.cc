#include "tools/cli/app.h"

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "tools/commands/commands.h"

#ifndef HL_VERSION
#error "HL_VERSION comes from the build"
#endif

namespace halflife::tools {
namespace {

constexpr char kDefaultEndpoint[] = "unix:///run/halflife/halflife.sock";

constexpr char kFooter[] =
    "Exit codes: 0 ok, 1 miss, not found or unhealthy, 2 bad arguments or input, 3 daemon\n"
    "unavailable, 4 wrong bytes, 5 refused or any other failure.";

void AddGlobalOptions(CLI::App& app, Context& context) {
  context.endpoint = kDefaultEndpoint;
  app.add_option("--endpoint", context.endpoint, "Daemon: unix:///path or host:port")
      ->envname("HALFLIFE_ENDPOINT")
      ->capture_default_str();
  static const std::map<std::string, OutputFormat> formats = {
      {"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"csv", OutputFormat::kCsv}};
  app.add_option("-o,--output", context.output, "table (for people), json or csv (for programs)")
      ->transform(CLI::CheckedTransformer(formats))
      ->option_text("table|json|csv [table]");
  app.add_flag("-q,--quiet", context.quiet, "No progress on stderr");
}

// Global options may follow the command.
void LetGlobalsFollow(CLI::App& command) {
  for (CLI::App* sub : command.get_subcommands([](CLI::App*) { return true; })) {
    sub->fallthrough();
    LetGlobalsFollow(*sub);
  }
}

int Parse(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
    return kExitOk;
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    return -1;
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "halflife: %s\nTry 'halflife --help'.\n", error.what());
    return kExitUsage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "halflife: %s\n", error.what());
    return kExitUsage;
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
  if (!context.has_action()) return FailUsage("a command is missing; try 'halflife --help'");
  return context.RunAction();
}

}  // namespace halflife::tools
