#include <memory>
#include <string>

#include "tools/cli/copy_requests.h"
#include "tools/cli/trace_options.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

struct Options {
  std::string path;
  TraceOptions trace;
  CopyTarget target;
};

int RunTraceConvert(const Context& context, const Options& options) {
  auto reader = TraceReader::Open(options.path, options.trace);
  if (!reader.ok()) return FailInput(reader.status());
  const auto count = CopyRequests(context, **reader, options.target);
  return count.ok() ? kExitOk : FailInput(count.status());
}

}  // namespace

void AddTraceConvertCommand(CLI::App& trace, Context& context) {
  CLI::App* command = trace.add_subcommand(
      "convert", "Rewrite a trace; partial last blocks, which nothing can share, are dropped");
  auto options = std::make_shared<Options>();
  command->add_option("in", options->path, "File, or - for standard input")->required();
  command
      ->add_option("out", options->target.path,
                   "File (gzipped if it ends in .gz), or - for standard output")
      ->required();
  AddTargetFormat(command, options->target.format);
  AddTraceOptions(command, options->trace);
  context.OnRun(command, [&context, options] { return RunTraceConvert(context, *options); });
}

}  // namespace halflife::tools
