#pragma once

#include "CLI/CLI.hpp"
#include "tools/cli/context.h"

namespace halflife::tools {

// Each adds one command, or one group of them, to the tree. Both arguments outlive the parsed
// command.
void AddHealthCommand(CLI::App& app, Context& context);
void AddStatsCommand(CLI::App& app, Context& context);
void AddNamespacesCommand(CLI::App& app, Context& context);
void AddModelCommand(CLI::App& app, Context& context);
void AddExplainCommand(CLI::App& app, Context& context);
void AddLookupCommand(CLI::App& app, Context& context);
void AddGetCommand(CLI::App& app, Context& context);
void AddPutCommand(CLI::App& app, Context& context);
void AddDeleteCommand(CLI::App& app, Context& context);
void AddTraceCommands(CLI::App& app, Context& context);  // info, convert, replay
void AddTraceInfoCommand(CLI::App& trace, Context& context);
void AddTraceConvertCommand(CLI::App& trace, Context& context);
void AddTraceReplayCommand(CLI::App& trace, Context& context);
void AddWorkloadCommands(CLI::App& app, Context& context);  // generate
void AddAnalyzeCommand(CLI::App& app, Context& context);
void AddSimulateCommand(CLI::App& app, Context& context);
void AddSweepCommand(CLI::App& app, Context& context);
void AddPlanCommand(CLI::App& app, Context& context);
void AddBenchCommand(CLI::App& app, Context& context);
void AddConfigCommands(CLI::App& app, Context& context);  // check, print
void AddCompletionCommand(CLI::App& app, Context& context);

}  // namespace halflife::tools
