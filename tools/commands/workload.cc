#include <memory>
#include <string>

#include "tools/cli/copy_requests.h"
#include "tools/commands/commands.h"
#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

struct Options {
  std::string profile;
  WorkloadOptions workload;
  CopyTarget target{.path = "-"};
};

int RunWorkloadGenerate(const Context& context, const Options& options) {
  auto source = MakeWorkload(options.profile, options.workload);
  if (!source.ok()) return FailInput(source.status());
  const auto count = CopyRequests(context, **source, options.target);
  return count.ok() ? kExitOk : FailInput(count.status());
}

}  // namespace

void AddWorkloadCommands(CLI::App& app, Context& context) {
  CLI::App* workload = app.add_subcommand("workload", "Synthetic traces");
  CLI::App* command = workload->add_subcommand(
      "generate", "Write a trace of one of the profiles; its numbers are published or measured");
  auto options = std::make_shared<Options>();
  command->add_option("profile", options->profile, "chat, api or agent")
      ->required()
      ->check(CLI::IsMember(WorkloadNames()));
  command->add_option("-n,--requests", options->workload.requests, "How many to write")
      ->capture_default_str();
  command->add_option("--seed", options->workload.seed, "Same seed, same trace")
      ->capture_default_str();
  command
      ->add_option("--rate", options->workload.rate,
                   "Sessions (chat, agent) or requests (api) per second; 0 = the profile's")
      ->capture_default_str();
  command->add_option("--block-tokens", options->workload.block_tokens, "Tokens of one block")
      ->capture_default_str();
  command
      ->add_option("--out", options->target.path,
                   "File (gzipped if it ends in .gz), or - for standard output")
      ->capture_default_str();
  AddTargetFormat(command, options->target.format);
  context.OnRun(command, [&context, options] { return RunWorkloadGenerate(context, *options); });
}

}  // namespace halflife::tools
