#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

struct gzFile_s;

namespace halflife::tools {

// Lines of a plain or gzip file, read through one buffer: memory is bounded by the longest line,
// not by the file. Not thread-safe.
class LineReader {
 public:
  // Bytes behind every line that may be read (not written): vectorised parsers look ahead.
  static constexpr size_t kPaddingBytes = 64;
  // A 1 M token prompt in 16-token blocks is 65,536 ids of at most 20 digits: 1.4 MB. Three times
  // that.
  static constexpr size_t kDefaultMaxLineBytes = size_t{4} << 20;

  // `path` "-" is standard input. Returns: kNotFound or kUnavailable naming the file.
  static absl::StatusOr<std::unique_ptr<LineReader>> Open(
      const std::string& path, size_t max_line_bytes = kDefaultMaxLineBytes);
  ~LineReader();

  // Sets `line` to the next line without its end ("\n" or "\r\n"); valid until the next call.
  // Returns: false at the end; kInvalidArgument if a line is too long or the file is damaged or cut
  // (gzip); kUnavailable if reading fails.
  absl::StatusOr<bool> Next(std::string_view& line);

  // Of the line that Next returned last, starting with 1.
  uint64_t line_number() const { return line_number_; }
  // "agents.ct" and "agents.ct:17", for messages.
  std::string name() const;
  std::string position() const;
  // Share of the file that has been consumed; negative if its size is not known.
  double progress() const;

 private:
  LineReader(std::string path, gzFile_s* file, uint64_t file_bytes, size_t max_line_bytes);
  absl::Status Fill();

  const std::string path_;
  const uint64_t file_bytes_;
  const size_t max_line_bytes_;
  gzFile_s* const file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // unread bytes are [begin_, end_)
  size_t end_ = 0;
  bool at_end_ = false;
  uint64_t line_number_ = 0;
};

}  // namespace halflife::tools
