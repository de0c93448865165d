#include <memory>
#include <string>
#include <vector>

#include "common/block/block_id.h"
#include "common/hashing.h"
#include "tools/admin/daemon_connection.h"
#include "tools/admin/enum_names.h"
#include "tools/admin/explanation_text.h"
#include "tools/cli/block_options.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

constexpr uint32_t kMaxMisses = 1024;  // that a daemon keeps
constexpr size_t kBatchBlocks = 128;   // in one question

struct Options {
  BlockOptions blocks;
  std::vector<std::string> keys;
  uint32_t group = 0;
  uint32_t part = 0;
  bool misses = false;
  uint32_t limit = 20;
};

std::string IdText(const Context& context, const std::string& bytes) {
  return context.output == OutputFormat::kTable ? ShortHex(AsBytes(bytes)) : Hex(AsBytes(bytes));
}

Table MissTable(const Context& context, const v1::ListMissesResponse& response) {
  Table table{"misses",
              {"age_seconds", "reason", "category", "depth", "hit_blocks", "missed_blocks",
               "namespace", "hash"},
              {}};
  for (const v1::Miss& miss : response.misses()) {
    // The whole hash also for people: it is what `explain` is asked with.
    table.AddRow({Cell::Seconds(miss.age_seconds()), Cell::Text(MissReasonText(miss.reason())),
                  Cell::Text(miss.category()), Cell::Count(miss.depth()),
                  Cell::Count(miss.hit_blocks()), Cell::Count(miss.missed_blocks()),
                  Cell::Text(IdText(context, miss.namespace_id())),
                  Cell::Text(Hex(AsBytes(miss.hash())))});
  }
  return table;
}

int RunMisses(const Context& context, const Options& options) {
  DaemonConnection daemon(context.endpoint, options.blocks.timeout);
  const auto misses = daemon.ListMisses(options.limit);
  if (!misses.ok()) return FailDaemon(context.endpoint, misses.status());
  return context.Print({{MissTable(context, *misses)}});
}

int RunExplain(const Context& context, Options options) {
  const bool names_blocks =
      !options.keys.empty() || !options.blocks.hashes.empty() || !options.blocks.tokens.empty();
  if (options.misses && names_blocks) return FailUsage("give either blocks or --miss");
  if (options.misses) return RunMisses(context, options);
  options.blocks.hashes.insert(options.blocks.hashes.end(), options.keys.begin(),
                               options.keys.end());
  BlockSession session;
  if (const int code = OpenBlockSession(context, options.blocks, true, session); code != kExitOk) {
    return code;
  }
  v1::ExplainRequest request;
  const auto append = [](const client::Hash& hash, std::string* to) {
    to->append(reinterpret_cast<const char*>(hash.data()), hash.size());
  };
  append(session.ns.id(), request.mutable_namespace_id());
  request.set_group(options.group);
  request.set_part(options.part);
  DaemonConnection daemon(context.endpoint, options.blocks.timeout);
  v1::ExplainResponse explained;
  for (size_t first = 0; first < session.chain.size(); first += kBatchBlocks) {
    request.clear_hashes();
    const size_t end = std::min(session.chain.size(), first + kBatchBlocks);
    for (size_t i = first; i < end; ++i) append(session.chain[i], request.mutable_hashes());
    const auto response = daemon.Explain(request);
    if (absl::IsInvalidArgument(response.status())) return FailInput(response.status());
    if (!response.ok()) return FailDaemon(context.endpoint, response.status());
    explained.MergeFrom(*response);
  }
  const int printed = context.Print(ExplanationReport(explained));
  if (printed != kExitOk) return printed;
  for (const v1::BlockExplanation& block : explained.blocks()) {
    if (!block.in_dram() && !block.on_ssd()) return kExitNotThere;
  }
  return kExitOk;
}

}  // namespace

void AddExplainCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "explain", "Why blocks are where they are, or were missed; exit code 1 if one is not here");
  auto options = std::make_shared<Options>();
  command->add_option("key", options->keys, "Block hash in hex")->type_name("KEY");
  AddNamespaceOptions(command, options->blocks);
  AddChainOptions(command, options->blocks);
  command->add_option("--group", options->group, "KV-cache group of the blocks");
  command->add_option("--part", options->part, "Which rank's share of the blocks");
  command->add_flag("--miss", options->misses,
                    "The latest lookups that did not find everything, and why");
  command->add_option("--limit", options->limit, "How many of them")
      ->check(CLI::Range(uint32_t{1}, kMaxMisses))
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunExplain(context, *options); });
}

}  // namespace halflife::tools
