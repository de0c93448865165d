#include <memory>

#include "tools/cli/block_options.h"
#include "tools/cli/call_failure.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

Report MakeReport(const client::LookupResult& result) {
  Table summary = Table::Record("lookup");
  summary.Set("blocks", Cell::Count(result.blocks));
  summary.Set("prefix_blocks", Cell::Count(result.prefix_blocks));
  const bool complete = result.prefix_blocks >= result.blocks;
  summary.Set("miss_reason", complete ? Cell::None() : Cell::Text(result.miss_reason));
  Table runs{"runs", {"first", "count", "tier"}, {}};
  for (const client::LookupResult::Run& run : result.runs) {
    runs.AddRow(
        {Cell::Count(run.first), Cell::Count(run.count), Cell::Text(run.ssd ? "ssd" : "dram")});
  }
  return {{summary, runs}};
}

int RunLookup(const Context& context, const BlockOptions& options) {
  BlockSession session;
  if (const int code = OpenBlockSession(context, options, true, session); code != kExitOk) {
    return code;
  }
  client::LookupRequest request;
  request.ns = session.ns;
  request.chain = session.chain;
  request.attributes = session.attributes;
  const client::LookupResult result = session.client->Lookup(request);
  if (result.outcome != client::Outcome::kOk) {
    return FailCall(context.endpoint, result.outcome, result.error);
  }
  const int printed = context.Print(MakeReport(result));
  if (printed != kExitOk) return printed;
  return result.prefix_blocks < session.chain.size() ? kExitNotThere : kExitOk;
}

}  // namespace

void AddLookupCommand(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("lookup", "How much of a chain is there; exit code 1 if not all of it");
  auto options = std::make_shared<BlockOptions>();
  AddNamespaceOptions(command, *options);
  AddChainOptions(command, *options);
  context.OnRun(command, [&context, options] { return RunLookup(context, *options); });
}

}  // namespace halflife::tools
