#include "tools/trace/trace_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/status.h"
#include "common/strings.h"
#include "tools/trace/lineage.h"
#include "tools/trace/trace_line.h"

namespace halflife::tools {
namespace {

// Mooncake: 512 tokens (FAST25-release/traces/README). Qwen-Bailian: 16 tokens.
constexpr uint32_t kMooncakeBlockTokens = 512;
constexpr uint32_t kQwenBlockTokens = 16;
// What 64 bits of nanoseconds hold: 292 years.
constexpr double kMaxTimeS = 9e9;

class FileTraceReader final : public TraceReader {
 public:
  FileTraceReader(std::unique_ptr<LineReader> lines, const TraceOptions& options)
      : options_(options), lines_(std::move(lines)) {}

  // Reads the first line and decides. Returns: kInvalidArgument.
  absl::Status Recognise() {
    std::string_view line;
    HL_ASSIGN_OR_RETURN(const bool any, ReadLine(line));
    if (!any) return absl::InvalidArgumentError(StrCat(lines_->name(), ": no request in it"));
    if (absl::StartsWith(ToAbsl(line), ToAbsl(kCompactMagic))) {
      format_ = TraceFormat::kCompact;
      auto block_tokens = ParseCompactHeader(line);
      if (!block_tokens.ok()) return AtLine(block_tokens.status());
      block_tokens_ = *block_tokens;
      parser_ = MakeCompactLineParser();
    } else if (absl::StartsWith(ToAbsl(line), "{")) {
      const bool qwen = absl::StrContains(ToAbsl(line), "\"chat_id\"");
      format_ = qwen ? TraceFormat::kQwen : TraceFormat::kMooncake;
      block_tokens_ = qwen ? kQwenBlockTokens : kMooncakeBlockTokens;
      parser_ = MakeJsonLineParser(format_);
      pending_ = line;
      has_pending_ = true;
    } else {
      return absl::InvalidArgumentError(StrCat(
          lines_->position(), ": expected a JSON object or a '", kCompactMagic, "1 …' header"));
    }
    if (options_.block_tokens != 0) block_tokens_ = options_.block_tokens;
    return absl::OkStatus();
  }

  absl::StatusOr<bool> Next(Request& request) override {
    std::string_view line;
    if (has_pending_) {
      line = pending_;
      has_pending_ = false;
    } else {
      HL_ASSIGN_OR_RETURN(const bool any, ReadLine(line));
      if (!any) return false;
    }
    request = Request{};
    if (absl::Status status = parser_->Parse(line, request); !status.ok()) return AtLine(status);
    if (request.time_s > kMaxTimeS) {
      return AtLine(absl::InvalidArgumentError(absl::StrFormat(
          "time of %.0f s: a trace has at most %.0f s", request.time_s, kMaxTimeS)));
    }
    if (request.type.empty()) request.type = options_.type;
    const uint64_t full_blocks = request.input_tokens / block_tokens_;
    if (request.blocks.size() > full_blocks) request.blocks.resize(full_blocks);
    lineage_.Complete(request);
    return true;
  }

  TraceFormat format() const override { return format_; }
  uint32_t block_tokens() const override { return block_tokens_; }
  double progress() const override { return lines_->progress(); }

 private:
  // Blank lines and, after the header, comments are passed over.
  absl::StatusOr<bool> ReadLine(std::string_view& line) {
    for (;;) {
      HL_ASSIGN_OR_RETURN(const bool any, lines_->Next(line));
      if (!any) return false;
      if (line.empty() || (lines_->line_number() > 1 && line[0] == '#')) continue;
      return true;
    }
  }

  absl::Status AtLine(const absl::Status& status) const {
    return absl::Status(status.code(), absl::StrCat(lines_->position(), ": ", status.message()));
  }

  const TraceOptions options_;
  std::unique_ptr<LineReader> lines_;
  std::unique_ptr<LineParser> parser_;
  Lineage lineage_;
  TraceFormat format_ = TraceFormat::kCompact;
  uint32_t block_tokens_ = 0;
  std::string_view pending_;  // first line of a JSON trace, still in the reader's buffer
  bool has_pending_ = false;
};

}  // namespace

const char* TraceFormatName(TraceFormat format) {
  switch (format) {
    case TraceFormat::kMooncake:
      return "mooncake";
    case TraceFormat::kQwen:
      return "qwen-bailian";
    case TraceFormat::kCompact:
      return "compact";
  }
  return "unknown";
}

absl::StatusOr<std::unique_ptr<TraceReader>> TraceReader::Open(const std::string& path,
                                                               const TraceOptions& options) {
  HL_ASSIGN_OR_RETURN(auto lines, LineReader::Open(path, options.max_line_bytes));
  auto reader = std::make_unique<FileTraceReader>(std::move(lines), options);
  HL_RETURN_IF_ERROR(reader->Recognise());
  return std::unique_ptr<TraceReader>(std::move(reader));
}

}  // namespace halflife::tools
