#include <memory>
#include <string>

#include "common/status.h"
#include "tools/cli/option_values.h"
#include "tools/cli/simulation_options.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

struct Options {
  SimulationOptions simulation;
  std::string from = "0.2%";
  std::string to = "50%";
  int points = 9;
};

absl::StatusOr<std::vector<Capacity>> Capacities(const Options& options) {
  HL_ASSIGN_OR_RETURN(const double low, OfOption("--from", ParseShare(options.from)));
  HL_ASSIGN_OR_RETURN(const double high, OfOption("--to", ParseShare(options.to)));
  return LogSpacedShares(low, high, options.points);
}

int RunSweep(const Context& context, const Options& options) {
  const auto capacities = Capacities(options);
  if (!capacities.ok()) return FailInput(capacities.status());
  return RunSimulations(context, options.simulation, *capacities, RowsAre::kCapacities);
}

}  // namespace

void AddSweepCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "sweep",
      "Curves over the capacity: as simulate, at evenly spaced sizes (in their logarithm)");
  auto options = std::make_shared<Options>();
  options->simulation.policies = "model,lru,optimum";
  AddSimulationOptions(command, options->simulation);
  command->add_option("--from", options->from, "Smallest share of the unique full blocks")
      ->type_name("SHARE")
      ->capture_default_str();
  command->add_option("--to", options->to, "Largest share")
      ->type_name("SHARE")
      ->capture_default_str();
  command->add_option("--points", options->points, "Number of sizes")->capture_default_str();
  context.OnRun(command, [&context, options] { return RunSweep(context, *options); });
}

}  // namespace halflife::tools
