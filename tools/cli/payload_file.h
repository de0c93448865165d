#pragma once

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace halflife::tools {

// Payload of blocks in a file or pipe: block after block, part after part, nothing between. Not
// thread-safe.
class PayloadFile {
 public:
  // `path` "-" is standard input or output. Returns: kNotFound or kUnavailable naming the file.
  static absl::StatusOr<PayloadFile> OpenToRead(const std::string& path);
  static absl::StatusOr<PayloadFile> OpenToWrite(const std::string& path);

  // What there is to read; nullopt if nobody can know, as of a pipe.
  std::optional<uint64_t> BytesLeft() const;
  // Number of bytes read: less than out.size() only at the end. Returns: kUnavailable.
  absl::StatusOr<size_t> Read(absl::Span<uint8_t> out);
  // Returns: kUnavailable.
  absl::Status Write(absl::Span<const uint8_t> bytes);
  // Returns: kUnavailable if not everything reached the file.
  absl::Status Close();
  const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  PayloadFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  static absl::StatusOr<PayloadFile> Open(const std::string& path, const char* mode, int standard);
  absl::Status Error() const;

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

}  // namespace halflife::tools
