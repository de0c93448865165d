#include "tools/cli/payload_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

namespace halflife::tools {

absl::StatusOr<PayloadFile> PayloadFile::OpenToRead(const std::string& path) {
  return Open(path, "rb", STDIN_FILENO);
}

absl::StatusOr<PayloadFile> PayloadFile::OpenToWrite(const std::string& path) {
  return Open(path, "wb", STDOUT_FILENO);
}

absl::StatusOr<PayloadFile> PayloadFile::Open(const std::string& path, const char* mode,
                                              int standard) {
  std::FILE* file = path == "-" ? fdopen(dup(standard), mode) : std::fopen(path.c_str(), mode);
  if (file == nullptr) {
    const std::string text = absl::StrCat(path, ": ", strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
  }
  return PayloadFile(path, file);
}

std::optional<uint64_t> PayloadFile::BytesLeft() const {
  struct stat file {};
  const int fd = fileno(file_.get());
  const off_t at = lseek(fd, 0, SEEK_CUR);
  if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode) || at < 0) return std::nullopt;
  return static_cast<uint64_t>(file.st_size > at ? file.st_size - at : 0);
}

absl::StatusOr<size_t> PayloadFile::Read(absl::Span<uint8_t> out) {
  const size_t count = std::fread(out.data(), 1, out.size(), file_.get());
  if (count < out.size() && std::ferror(file_.get()) != 0) return Error();
  return count;
}

absl::Status PayloadFile::Write(absl::Span<const uint8_t> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) return Error();
  return absl::OkStatus();
}

absl::Status PayloadFile::Close() {
  return std::fclose(file_.release()) == 0 ? absl::OkStatus() : Error();
}

absl::Status PayloadFile::Error() const {
  return absl::UnavailableError(absl::StrCat(path_, ": ", strerror(errno)));
}

}  // namespace halflife::tools
