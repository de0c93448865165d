#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/check.h"
#include "tests/fuzz/byte_source.h"
#include "tools/trace/line_reader.h"
#include "tools/trace/trace_line.h"

namespace halflife::tools {
namespace {

bool Parse(LineParser& parser, const std::string& line, Request& request) {
  const std::string padded = line + std::string(LineReader::kPaddingBytes, ' ');
  const absl::Status status =
      parser.Parse(std::string_view(padded).substr(0, line.size()), request);
  if (status.ok()) {
    HL_CHECK(std::isfinite(request.time_s) && request.time_s >= 0);
    return true;
  }
  HL_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  HL_CHECK(!status.message().empty() && status.message().size() < 500);
  return false;
}

// A line that reads, written with its block list in the canonical form, reads as the same request.
void CheckCompact(const std::string& line) {
  const auto parser = MakeCompactLineParser();
  Request request;
  if (!Parse(*parser, line, request)) return;
  std::vector<std::string> columns = absl::StrSplit(line, '|');
  columns.back() = FormatBlockRanges(request.blocks);
  Request again;
  HL_CHECK(Parse(*parser, absl::StrJoin(columns, "|"), again));
  HL_CHECK(again == request);
}

void CheckJson(const std::string& line, TraceFormat format) {
  const auto parser = MakeJsonLineParser(format);
  Request request;
  const bool parsed = Parse(*parser, line, request);
  // The parser keeps buffers between lines: they carry nothing over.
  Request again;
  HL_CHECK(Parse(*parser, line, again) == parsed);
  HL_CHECK(!parsed || again == request);
}

void CheckHeader(const std::string& line) {
  const absl::StatusOr<uint32_t> block_tokens = ParseCompactHeader(line);
  if (!block_tokens.ok()) return;
  HL_CHECK(*block_tokens > 0);
  HL_CHECK(*ParseCompactHeader(CompactHeader(*block_tokens)) == *block_tokens);
}

}  // namespace
}  // namespace halflife::tools

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife::tools;
  const std::string line(reinterpret_cast<const char*>(data), size);
  CheckCompact(line);
  CheckJson(line, TraceFormat::kMooncake);
  CheckJson(line, TraceFormat::kQwen);
  CheckHeader(line);
  return 0;
}
