#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/trace/line_reader.h"
#include "tools/trace/request.h"

namespace halflife::tools {

enum class TraceFormat { kMooncake, kQwen, kCompact };
const char* TraceFormatName(TraceFormat format);

struct TraceOptions {
  uint32_t block_tokens =
      0;  // 0 = what the format says: 512 Mooncake, 16 Qwen-Bailian, the header of a compact trace
  std::string type;  // of requests whose trace names none
  size_t max_line_bytes = LineReader::kDefaultMaxLineBytes;
};

// A trace file as a stream of requests, in bounded memory. The format is recognised by its first
// line: a "# halflife-trace" header, or JSON with or without chat_id. Not thread-safe.
class TraceReader : public RequestSource {
 public:
  // Returns: what LineReader::Open returns; kInvalidArgument if the file is empty or of no known
  // format.
  static absl::StatusOr<std::unique_ptr<TraceReader>> Open(const std::string& path,
                                                           const TraceOptions& options = {});

  virtual TraceFormat format() const = 0;
};

}  // namespace halflife::tools
