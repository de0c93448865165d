#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace halflife::e2e {

// Hurts the files of an SSD tier as a bad disk, a bad copy or a bad person would: flips bits, cuts,
// zeroes, swaps and deletes. Never touches anything outside the directory, nor the lock and the
// secret (a lost secret is another test). One thread at a time; the daemon may run or not.
class FileDamager {
 public:
  FileDamager(std::string directory, uint64_t seed);

  // Damages one file and says what it did; nullopt if there is nothing to damage.
  std::optional<std::string> DamageOne();

  // "flip slots" -> 12: by what was done to which kind of file.
  const std::map<std::string, int>& counts() const { return counts_; }

 private:
  std::vector<std::string> FilesOf(const std::string& kind) const;
  std::optional<std::string> PickFile(const std::string& kind);
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  bool FlipBits(const std::string& path);
  bool Overwrite(const std::string& path);
  bool Cut(const std::string& path);
  bool Swap(const std::string& path, const std::string& kind);

  const std::string directory_;
  std::mt19937_64 random_;
  std::map<std::string, int> counts_;
};

}  // namespace halflife::e2e
