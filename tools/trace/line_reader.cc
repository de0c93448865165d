#include "tools/trace/line_reader.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/strings.h"

namespace halflife::tools {
namespace {

constexpr size_t kInitialBufferBytes = size_t{256} << 10;

}  // namespace

absl::StatusOr<std::unique_ptr<LineReader>> LineReader::Open(const std::string& path,
                                                             size_t max_line_bytes) {
  gzFile file = nullptr;
  uint64_t file_bytes = 0;
  if (path == "-") {
    file = gzdopen(dup(STDIN_FILENO), "rb");
  } else {
    struct stat status;
    if (stat(path.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) {
        return absl::InvalidArgumentError(StrCat(path, ": is a directory"));
      }
      if (S_ISREG(status.st_mode)) file_bytes = static_cast<uint64_t>(status.st_size);
    }
    file = gzopen(path.c_str(), "rb");
  }
  if (file == nullptr) {
    const std::string text = StrCat(path, ": ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
  }
  gzbuffer(file, kInitialBufferBytes);
  return std::unique_ptr<LineReader>(new LineReader(path, file, file_bytes, max_line_bytes));
}

LineReader::LineReader(std::string path, gzFile_s* file, uint64_t file_bytes, size_t max_line_bytes)
    : path_(std::move(path)),
      file_bytes_(file_bytes),
      max_line_bytes_(max_line_bytes),
      file_(file),
      buffer_(std::min(kInitialBufferBytes, max_line_bytes + 1) + kPaddingBytes) {}

LineReader::~LineReader() { gzclose(file_); }

std::string LineReader::name() const { return path_ == "-" ? "<stdin>" : path_; }

std::string LineReader::position() const { return StrCat(name(), ":", line_number_); }

double LineReader::progress() const {
  if (file_bytes_ == 0) return -1;
  return std::clamp(static_cast<double>(gzoffset(file_)) / static_cast<double>(file_bytes_), 0.0,
                    1.0);
}

absl::Status LineReader::Fill() {
  std::copy(buffer_.begin() + begin_, buffer_.begin() + end_, buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  size_t room = buffer_.size() - kPaddingBytes - end_;
  if (room == 0) {
    // One byte more than the limit, so that a line of exactly the limit still finds its end.
    const size_t size = std::min(buffer_.size() * 2, max_line_bytes_ + 1 + kPaddingBytes);
    room = size - buffer_.size();
    buffer_.resize(size);
  }
  const int count = gzread(file_, buffer_.data() + end_, static_cast<unsigned>(room));
  int code = Z_OK;
  gzerror(file_, &code);
  if (count < 0 || code == Z_BUF_ERROR || code == Z_DATA_ERROR) {
    const std::string where = StrCat(name(), " after line ", line_number_);
    if (code == Z_ERRNO) return absl::UnavailableError(StrCat(where, ": ", strerror(errno)));
    return absl::InvalidArgumentError(StrCat(
        where, ": ", code == Z_BUF_ERROR ? "the gzip stream is cut short" : "damaged gzip stream",
        "; copy it again"));
  }
  end_ += static_cast<size_t>(count);
  at_end_ = count == 0;
  return absl::OkStatus();
}

absl::StatusOr<bool> LineReader::Next(std::string_view& line) {
  size_t scanned = 0;
  for (;;) {
    const char* begin = buffer_.data() + begin_;
    const size_t size = end_ - begin_;
    const void* found = memchr(begin + scanned, '\n', size - scanned);
    size_t length = size;
    if (found != nullptr) length = static_cast<size_t>(static_cast<const char*>(found) - begin);
    if (length > max_line_bytes_) {
      ++line_number_;
      return absl::InvalidArgumentError(
          StrCat(position(), ": line longer than ", max_line_bytes_, " bytes"));
    }
    if (found != nullptr || (at_end_ && size > 0)) {
      ++line_number_;
      begin_ += length + (found != nullptr ? 1 : 0);
      if (length > 0 && begin[length - 1] == '\r') --length;
      line = std::string_view(begin, length);
      return true;
    }
    if (at_end_) return false;
    scanned = size;
    HL_RETURN_IF_ERROR(Fill());
  }
}

}  // namespace halflife::tools
