#include <memory>

#include "tools/cli/block_options.h"
#include "tools/cli/call_failure.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

struct Options {
  BlockOptions blocks;
  bool whole_namespace = false;
};

int RunDelete(const Context& context, const Options& options) {
  BlockSession session;
  if (const int code = OpenBlockSession(context, options.blocks, !options.whole_namespace, session);
      code != kExitOk) {
    return code;
  }
  if (options.whole_namespace && !session.chain.empty()) {
    return FailUsage("either blocks or --whole-namespace");
  }
  const int64_t deleted = options.whole_namespace
                              ? session.client->DeleteNamespace(session.ns)
                              : session.client->Delete(session.ns, session.chain);
  if (deleted < 0) return FailCall(context.endpoint, client::Outcome::kUnavailable);
  Table table = Table::Record("delete");
  table.Set("deleted", Cell::Count(static_cast<uint64_t>(deleted)));
  const int printed = context.Print({{table}});
  if (printed != kExitOk) return printed;
  return deleted == 0 && !options.whole_namespace ? kExitNotThere : kExitOk;
}

}  // namespace

void AddDeleteCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("delete", "Drop the blocks of a chain, or a namespace");
  auto options = std::make_shared<Options>();
  AddNamespaceOptions(command, options->blocks);
  AddChainOptions(command, options->blocks);
  command->add_flag("--whole-namespace", options->whole_namespace,
                    "Drop every block of the namespace and the namespace itself");
  context.OnRun(command, [&context, options] { return RunDelete(context, *options); });
}

}  // namespace halflife::tools
