#include "server/private_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

absl::Status Unavailable(const std::string& path, const char* reason) {
  return absl::UnavailableError(StrCat(path, ": cannot be used as a directory: ", reason));
}

absl::Status EnsureOne(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0) {
    // mkdir's mode is cut by the umask.
    if (chmod(path.c_str(), mode) != 0) return Unavailable(path, std::strerror(errno));
    return absl::OkStatus();
  }
  const int error = errno;
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) return Unavailable(path, std::strerror(error));
  if (!S_ISDIR(facts.st_mode)) return Unavailable(path, "it is something else");
  return absl::OkStatus();
}

}  // namespace

bool AnybodyMayReplaceFilesIn(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) return false;
  return (facts.st_mode & S_IWOTH) != 0 && (facts.st_mode & S_ISVTX) == 0;
}

absl::Status EnsureDirectory(const std::string& path, mode_t mode) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    HL_RETURN_IF_ERROR(EnsureOne(path.substr(0, slash), 0755));
  }
  return EnsureOne(path, mode);
}

}  // namespace halflife
