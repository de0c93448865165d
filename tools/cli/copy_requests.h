#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "tools/cli/context.h"
#include "tools/trace/request.h"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {

struct CopyTarget {
  std::string path;  // "-" is standard output
  TraceFormat format = TraceFormat::kCompact;
};

// Writes every request of `source` to a trace file, with progress. Returns: the number of requests;
// what RequestSource::Next and TraceWriter return.
absl::StatusOr<uint64_t> CopyRequests(const Context& context, RequestSource& source,
                                      const CopyTarget& target);

// "compact" or "mooncake" for the command line.
CLI::Option* AddTargetFormat(CLI::App* command, TraceFormat& format);

}  // namespace halflife::tools
