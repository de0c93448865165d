#pragma once

#include "CLI/CLI.hpp"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {

// How to read a trace, for every command that does.
inline void AddTraceOptions(CLI::App* command, TraceOptions& options) {
  command
      ->add_option("--block-tokens", options.block_tokens,
                   "Tokens of one block; 0 = what the format says")
      ->capture_default_str();
  command->add_option("--type", options.type, "Type of requests whose trace names none");
}

}  // namespace halflife::tools
