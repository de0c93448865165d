#include "tools/trace/trace_writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/status.h"
#include "tools/trace/trace_line.h"

namespace halflife::tools {
namespace {

std::string CompactLine(const Request& request) {
  return absl::StrFormat("%.3f|%s|%d|%d|%d|%d|%d|%s|%s\n", request.time_s, request.type,
                         request.turn, request.chat, request.parent, request.input_tokens,
                         request.output_tokens, request.stop, FormatBlockRanges(request.blocks));
}

std::string MooncakeLine(const Request& request) {
  return absl::StrFormat(
      "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": %d, \"hash_ids\": [%s]}\n",
      static_cast<int64_t>(std::llround(request.time_s * 1e3)), request.input_tokens,
      request.output_tokens, absl::StrJoin(request.blocks, ", "));
}

}  // namespace

absl::StatusOr<std::unique_ptr<TraceWriter>> TraceWriter::Create(const std::string& path,
                                                                 TraceFormat format,
                                                                 uint32_t block_tokens) {
  if (format == TraceFormat::kQwen) {
    return absl::InvalidArgumentError("a trace is written as compact or mooncake");
  }
  // "T" writes plain text through the same calls.
  const char* mode = absl::EndsWith(path, ".gz") ? "wb6" : "wbT";
  gzFile file = path == "-" ? gzdopen(dup(STDOUT_FILENO), mode) : gzopen(path.c_str(), mode);
  if (file == nullptr) return absl::UnavailableError(absl::StrCat(path, ": ", strerror(errno)));
  auto writer = std::unique_ptr<TraceWriter>(new TraceWriter(path, file, format));
  if (format == TraceFormat::kCompact) {
    HL_RETURN_IF_ERROR(writer->WriteText(CompactHeader(block_tokens) + "\n"));
  }
  return writer;
}

TraceWriter::TraceWriter(std::string path, gzFile_s* file, TraceFormat format)
    : path_(std::move(path)), format_(format), file_(file) {}

TraceWriter::~TraceWriter() {
  if (file_ != nullptr) gzclose(file_);
}

absl::Status TraceWriter::Write(const Request& request) {
  if (format_ == TraceFormat::kMooncake) return WriteText(MooncakeLine(request));
  for (const std::string* text : {&request.type, &request.stop}) {
    if (text->find_first_of("|\n\r") != std::string::npos) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", *text, "' holds a separator of the compact format"));
    }
  }
  return WriteText(CompactLine(request));
}

absl::Status TraceWriter::WriteText(const std::string& text) {
  const int count = gzwrite(file_, text.data(), static_cast<unsigned>(text.size()));
  if (count == static_cast<int>(text.size())) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
}

absl::Status TraceWriter::Close() {
  const int code = gzclose(std::exchange(file_, nullptr));
  if (code == Z_OK) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
}

}  // namespace halflife::tools
