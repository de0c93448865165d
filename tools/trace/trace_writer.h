#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tools/trace/request.h"
#include "tools/trace/trace_reader.h"

struct gzFile_s;

namespace halflife::tools {

// Writes requests as a compact or Mooncake trace, gzipped if the name ends in ".gz". Session and
// turn of a Mooncake trace are lost: they are derived again when it is read. Not thread-safe.
class TraceWriter {
 public:
  // `path` "-" is standard output. `format` is kCompact or kMooncake.
  // Returns: kInvalidArgument for another format; kUnavailable naming the file.
  static absl::StatusOr<std::unique_ptr<TraceWriter>> Create(const std::string& path,
                                                             TraceFormat format,
                                                             uint32_t block_tokens);
  ~TraceWriter();

  // Returns: kInvalidArgument if a text of the request cannot be written in this format;
  // kUnavailable.
  absl::Status Write(const Request& request);
  // Must be the last call. Returns: kUnavailable if not everything reached the file.
  absl::Status Close();

 private:
  TraceWriter(std::string path, gzFile_s* file, TraceFormat format);
  absl::Status WriteText(const std::string& text);

  const std::string path_;
  const TraceFormat format_;
  gzFile_s* file_;
};

}  // namespace halflife::tools
