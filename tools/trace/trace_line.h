#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/trace/request.h"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {

// Parses one line of a format. Messages name the field and what was expected, not the place: the
// reader adds it. Blocks are as in the trace, partial ones included. Not thread-safe.
class LineParser {
 public:
  virtual ~LineParser() = default;

  // `line` is followed by LineReader::kPaddingBytes readable bytes. Fills what the line says and
  // nothing else. Returns: kInvalidArgument.
  virtual absl::Status Parse(std::string_view line, Request& request) = 0;
};

// For the two JSON-lines formats.
std::unique_ptr<LineParser> MakeJsonLineParser(TraceFormat format);
std::unique_ptr<LineParser> MakeCompactLineParser();

inline constexpr std::string_view kCompactMagic = "# halflife-trace ";
inline constexpr std::string_view kCompactColumns =
    "t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks";

// Block size in the header of a compact trace. Returns: kInvalidArgument.
absl::StatusOr<uint32_t> ParseCompactHeader(std::string_view line);
std::string CompactHeader(uint32_t block_tokens);

// "3,7-9" for {3, 7, 8, 9}.
std::string FormatBlockRanges(const std::vector<uint64_t>& blocks);

}  // namespace halflife::tools
