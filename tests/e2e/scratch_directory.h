#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace halflife::e2e {

// A private directory below TMPDIR (or /tmp) that goes away with this object, unless it is to be
// kept for a look.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(std::string_view name);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }
  void Keep() { keep_ = true; }

 private:
  std::string path_;
  bool keep_ = false;
};

// What the files below `path` take on the file system: allocated blocks, not lengths. Files that
// vanish while it counts are left out.
uint64_t DiskBytes(const std::string& path);

}  // namespace halflife::e2e
