#include "tests/e2e/file_damager.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "common/strings.h"

namespace halflife::e2e {
namespace {

namespace fs = std::filesystem;

// Payload files are hurt most: damage to a database's own files mostly costs a whole partition, and
// a tier that lies in quarantine is a poor test.
struct Weighted {
  const char* name;
  int weight;
};
constexpr Weighted kFileKinds[] = {{"slots", 56},   {"sst", 16},    {"wal", 10},
                                   {"manifest", 6}, {"current", 4}, {"other", 8}};
constexpr Weighted kDamages[] = {
    {"flip", 45}, {"zero", 20}, {"cut", 12}, {"swap", 13}, {"delete", 10}};

template <size_t kCount>
std::string Pick(const Weighted (&choices)[kCount], uint64_t random) {
  int total = 0;
  for (const Weighted& choice : choices) total += choice.weight;
  int at = static_cast<int>(random % total);
  for (const Weighted& choice : choices) {
    if ((at -= choice.weight) < 0) return choice.name;
  }
  return choices[0].name;
}

std::string KindOf(const fs::path& file) {
  const std::string name = file.filename();
  if (file.extension() == ".slots") return "slots";
  if (file.extension() == ".sst" || file.extension() == ".blob") return "sst";
  if (file.extension() == ".log") return "wal";
  if (name.rfind("MANIFEST", 0) == 0) return "manifest";
  if (name == "CURRENT") return "current";
  return "other";
}

bool IsSpared(const fs::path& file) {
  const std::string path = file.string();
  const std::string name = file.filename();
  return name.rfind("LOCK", 0) == 0 || name.find("secret") != std::string::npos ||
         path.find("quarantine") != std::string::npos;
}

uint64_t SizeOf(const std::string& path) {
  struct stat facts;
  return stat(path.c_str(), &facts) == 0 ? facts.st_size : 0;
}

}  // namespace

FileDamager::FileDamager(std::string directory, uint64_t seed)
    : directory_(std::move(directory)), random_(seed) {}

std::vector<std::string> FileDamager::FilesOf(const std::string& kind) const {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(directory_, error);
  while (!error && at != fs::recursive_directory_iterator()) {
    std::error_code gone;
    if (at->is_regular_file(gone) && !IsSpared(at->path()) && KindOf(at->path()) == kind) {
      files.push_back(at->path());
    }
    at.increment(error);
  }
  std::sort(files.begin(), files.end());  // so that the seed decides, not the file system
  return files;
}

std::optional<std::string> FileDamager::PickFile(const std::string& kind) {
  std::vector<std::string> files = FilesOf(kind);
  std::erase_if(files, [](const std::string& file) { return SizeOf(file) == 0; });
  if (files.empty()) return std::nullopt;
  return files[Below(files.size())];
}

bool FileDamager::FlipBits(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const uint64_t size = SizeOf(path);
  bool flipped = false;
  for (uint64_t left = 1 + Below(16); fd >= 0 && size > 0 && left > 0; --left) {
    const off_t at = static_cast<off_t>(Below(size));
    uint8_t byte = 0;
    if (pread(fd, &byte, 1, at) != 1) break;
    byte ^= 1 << Below(8);
    flipped |= pwrite(fd, &byte, 1, at) == 1;
  }
  if (fd >= 0) close(fd);
  return flipped;
}

bool FileDamager::Overwrite(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  const uint64_t size = SizeOf(path);
  bool written = false;
  if (fd >= 0 && size > 0) {
    const uint64_t at = Below(size);
    const std::string zeros(1 + Below(std::min<uint64_t>(size - at, 64 << 10)), '\0');
    written = pwrite(fd, zeros.data(), zeros.size(), static_cast<off_t>(at)) > 0;
  }
  if (fd >= 0) close(fd);
  return written;
}

bool FileDamager::Cut(const std::string& path) {
  const uint64_t size = SizeOf(path);
  return size > 0 && truncate(path.c_str(), static_cast<off_t>(Below(size))) == 0;
}

bool FileDamager::Swap(const std::string& path, const std::string& kind) {
  const std::optional<std::string> other = PickFile(kind);
  if (!other.has_value() || *other == path) return false;
  const std::string aside = path + ".aside";
  return rename(path.c_str(), aside.c_str()) == 0 && rename(other->c_str(), path.c_str()) == 0 &&
         rename(aside.c_str(), other->c_str()) == 0;
}

std::optional<std::string> FileDamager::DamageOne() {
  // Not every kind of file exists at every moment, nor can every damage be done to every file.
  for (int attempt = 0; attempt < 64; ++attempt) {
    const std::string kind = Pick(kFileKinds, random_());
    const std::string damage = Pick(kDamages, random_());
    const std::optional<std::string> path = PickFile(kind);
    if (!path.has_value()) continue;
    bool done = false;
    if (damage == "flip") done = FlipBits(*path);
    if (damage == "zero") done = Overwrite(*path);
    if (damage == "cut") done = Cut(*path);
    if (damage == "swap") done = Swap(*path, kind);
    if (damage == "delete") done = unlink(path->c_str()) == 0;
    if (!done) continue;
    ++counts_[StrCat(damage, " ", kind)];
    return StrCat(damage, " ", path->substr(directory_.size() + 1));
  }
  return std::nullopt;
}

}  // namespace halflife::e2e
