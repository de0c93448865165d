#include "tools/cli/copy_requests.h"

#include "common/status.h"
#include "tools/cli/option_values.h"
#include "tools/output/progress_line.h"
#include "tools/trace/trace_writer.h"

namespace halflife::tools {

absl::StatusOr<uint64_t> CopyRequests(const Context& context, RequestSource& source,
                                      const CopyTarget& target) {
  HL_ASSIGN_OR_RETURN(auto writer,
                      TraceWriter::Create(target.path, target.format, source.block_tokens()));
  ProgressLine progress("writing", context.ShowsProgress());
  Request request;
  uint64_t count = 0;
  for (;;) {
    HL_ASSIGN_OR_RETURN(const bool any, source.Next(request));
    if (!any) break;
    HL_RETURN_IF_ERROR(writer->Write(request));
    progress.Update(source.progress(), ++count);
  }
  HL_RETURN_IF_ERROR(writer->Close());
  return count;
}

CLI::Option* AddTargetFormat(CLI::App* command, TraceFormat& format) {
  return AddChoice(command, "--to", format,
                   {{"compact", TraceFormat::kCompact}, {"mooncake", TraceFormat::kMooncake}},
                   "Format to write");
}

}  // namespace halflife::tools
