#include "tests/e2e/scratch_directory.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <system_error>

#include "common/check.h"
#include "common/strings.h"

namespace halflife::e2e {

ScratchDirectory::ScratchDirectory(std::string_view name) {
  const char* parent = getenv("TMPDIR");
  path_ = StrCat(parent != nullptr ? parent : "/tmp", "/halflife-", name, "-XXXXXX");
  HL_CHECK(mkdtemp(path_.data()) != nullptr);
}

ScratchDirectory::~ScratchDirectory() {
  if (keep_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

uint64_t DiskBytes(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  uint64_t blocks = 0;
  const auto count = [&blocks](const fs::path& file) {
    struct stat facts;
    if (lstat(file.c_str(), &facts) == 0) blocks += facts.st_blocks;
  };
  count(path);
  fs::recursive_directory_iterator at(path, error);
  while (!error && at != fs::recursive_directory_iterator()) {
    count(at->path());
    at.increment(error);
  }
  return blocks * 512;  // st_blocks is in units of 512 bytes whatever the file system
}

}  // namespace halflife::e2e
