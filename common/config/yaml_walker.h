#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halflife {

// Place in a file, both from 1.
struct FilePosition {
  int line = 1;
  int column = 1;
};

// Something wrong with a configuration, with the place it was found at.
struct ConfigProblem {
  std::string where;    // "halflife.yaml:12:7", "HALFLIFE_LOG_LEVEL" or "--log.level"
  std::string message;  // names the key and the remedy
};

// "halflife.yaml:12:7: storage.dram.budgt: unknown key".
std::string ToString(const ConfigProblem& problem);

// One scalar of the file under its full key.
struct YamlScalar {
  std::string key;  // "storage.dram.budget"
  std::string text;
  bool quoted = false;  // written as "…", '…' or a block
  FilePosition position;
};

struct YamlScalars {
  std::vector<YamlScalar> scalars;      // in file order
  std::vector<ConfigProblem> problems;  // in file order, at most kMaxProblems
};
inline constexpr size_t kMaxProblems = 20;
inline constexpr size_t kMaxConfigFileBytes = 1 << 20;

// Reads the subset of YAML that a configuration needs: one document of nested maps with scalars at
// the end. All of this is a problem, where yaml-cpp would keep silent: a duplicate key, a second
// document, a list, a null, an anchor, an alias or a tag. Keys that are no setting or section are
// problems too. Works on parser events, so every problem has its place. Never throws.
YamlScalars WalkYaml(std::string_view text, const std::string& file_name);

}  // namespace halflife
