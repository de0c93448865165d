#include "tools/commands/commands.h"

namespace halflife::tools {

void AddTraceCommands(CLI::App& app, Context& context) {
  CLI::App* trace = app.add_subcommand(
      "trace", "Request traces: Mooncake and Qwen-Bailian JSON lines, compact, each also gzipped");
  AddTraceInfoCommand(*trace, context);
  AddTraceConvertCommand(*trace, context);
  AddTraceReplayCommand(*trace, context);
}

}  // namespace halflife::tools
