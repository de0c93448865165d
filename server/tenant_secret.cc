#include "server/tenant_secret.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/check.h"
#include "common/file_descriptor.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

// Others may do nothing; the group may read (a mounted Kubernetes secret).
constexpr mode_t kForbiddenBits = S_IRWXO | S_IWGRP | S_IXGRP;

absl::Status CheckFile(int fd, const std::string& path) {
  struct stat facts;
  if (fstat(fd, &facts) != 0)
    return absl::UnavailableError(StrCat(path, ": ", std::strerror(errno)));
  if (!S_ISREG(facts.st_mode))
    return absl::InvalidArgumentError(StrCat(path, ": not a regular file"));
  if (facts.st_uid != geteuid() && facts.st_uid != 0) {
    return absl::InvalidArgumentError(
        StrCat(path, ": belongs to user ", facts.st_uid, ", not to ", geteuid()));
  }
  if ((facts.st_mode & kForbiddenBits) != 0) {
    return absl::InvalidArgumentError(
        StrCat(path, ": others could read or change the secret; chmod 0400 it"));
  }
  if (facts.st_size != sizeof(TenantSecret::bytes)) {
    return absl::InvalidArgumentError(
        StrCat(path, ": has ", facts.st_size,
               " bytes, must have 32; make one with head -c 32 /dev/urandom"));
  }
  return absl::OkStatus();
}

absl::StatusOr<TenantSecret> ReadSecret(int fd, const std::string& path) {
  HL_RETURN_IF_ERROR(CheckFile(fd, path));
  TenantSecret secret;
  if (pread(fd, secret.bytes.data(), secret.bytes.size(), 0) !=
      static_cast<ssize_t>(secret.bytes.size())) {
    return absl::UnavailableError(StrCat(path, ": cannot be read"));
  }
  return secret;
}

TenantSecret RandomSecret() {
  TenantSecret secret;
  // Up to 256 bytes come whole once the kernel's generator is seeded, and it waits for that.
  HL_CHECK(getrandom(secret.bytes.data(), secret.bytes.size(), 0) ==
           static_cast<ssize_t>(secret.bytes.size()));
  return secret;
}

// Complete before it has its name, so that a crash leaves no short file behind. The caller holds
// the directory's lock.
absl::StatusOr<TenantSecret> CreateSecret(const std::string& path) {
  const TenantSecret secret = RandomSecret();
  const std::string draft = path + ".new";
  unlink(draft.c_str());
  const FileDescriptor file(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const bool written = file &&
                       write(file.get(), secret.bytes.data(), secret.bytes.size()) ==
                           static_cast<ssize_t>(secret.bytes.size()) &&
                       fsync(file.get()) == 0 && rename(draft.c_str(), path.c_str()) == 0;
  if (!written)
    return absl::UnavailableError(StrCat(path, ": cannot be made: ", std::strerror(errno)));
  return secret;
}

}  // namespace

absl::StatusOr<TenantSecret> LoadTenantSecret(const TenantSecretSource& source) {
  const bool configured = !source.file.empty();
  const std::string& path = configured ? source.file : source.default_file;
  if (path.empty()) return RandomSecret();
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file) return ReadSecret(file.get(), path);
  if (errno == ENOENT && !configured) return CreateSecret(path);
  const std::string message = StrCat(path, ": ", std::strerror(errno));
  if (!configured) return absl::UnavailableError(message);
  return absl::InvalidArgumentError(StrCat("security.secret_file: ", message));
}

}  // namespace halflife
