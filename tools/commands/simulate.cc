#include <memory>
#include <string>

#include "tools/cli/simulation_options.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

struct Options {
  SimulationOptions simulation;
  std::string capacities = "1%,2%,5%,10%,20%";
};

int RunSimulate(const Context& context, const Options& options) {
  const auto capacities = ParseCapacities(options.capacities);
  if (!capacities.ok()) return FailInput(capacities.status());
  return RunSimulations(context, options.simulation, *capacities, RowsAre::kPolicies);
}

}  // namespace

void AddSimulateCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "simulate", "Hit ratio, saved recompute time and SSD traffic of policies on a trace");
  auto options = std::make_shared<Options>();
  options->simulation.policies = "model,lru,arc,optimum";
  AddSimulationOptions(command, options->simulation);
  command
      ->add_option("-c,--capacity", options->capacities,
                   "Shares of the trace's unique full blocks (0.5%), blocks (5000) or sizes "
                   "(64GiB), separated by commas")
      ->type_name("CAPACITY,…")
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunSimulate(context, *options); });
}

}  // namespace halflife::tools
