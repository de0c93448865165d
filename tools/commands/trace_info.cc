#include <memory>
#include <string>

#include "tools/cli/trace_options.h"
#include "tools/commands/commands.h"
#include "tools/output/progress_line.h"
#include "tools/trace/trace_reader.h"
#include "tools/trace/trace_summary.h"

namespace halflife::tools {
namespace {

struct Options {
  std::string path;
  TraceOptions trace;
};

int RunTraceInfo(const Context& context, const Options& options) {
  auto reader = TraceReader::Open(options.path, options.trace);
  if (!reader.ok()) return FailInput(reader.status());
  TraceSummary summary;
  {
    ProgressLine progress("reading", context.ShowsProgress());
    Request request;
    for (;;) {
      const auto any = (*reader)->Next(request);
      if (!any.ok()) {
        progress.Clear();
        return FailInput(any.status());
      }
      if (!*any) break;
      summary.Add(request);
      progress.Update((*reader)->progress(), summary.requests());
    }
  }
  Report report = summary.MakeReport((*reader)->block_tokens());
  report.tables.front().Set("format", Cell::Text(TraceFormatName((*reader)->format())));
  return context.Print(report);
}

}  // namespace

void AddTraceInfoCommand(CLI::App& trace, Context& context) {
  CLI::App* command =
      trace.add_subcommand("info", "What a trace is like: totals, ideal hit ratio, distributions");
  auto options = std::make_shared<Options>();
  command->add_option("trace", options->path, "File, or - for standard input")->required();
  AddTraceOptions(command, options->trace);
  context.OnRun(command, [&context, options] { return RunTraceInfo(context, *options); });
}

}  // namespace halflife::tools
