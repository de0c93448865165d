#pragma once

#include <string>

namespace halflife {

// What this binary was made of.
struct BuildFacts {
  std::string version;   // "0.1.0"
  std::string revision;  // short git commit, or "unknown"
  std::string compiler;  // "gcc 12.2.0"
  std::string grpc;      // of the library that is loaded
  std::string rocksdb;   // of the library it was built against
};

const BuildFacts& ThisBuild();

// "halflifed 0.1.0 (git abcdef, gcc 12.2.0, grpc 1.51.1, rocksdb 7.8.3)".
std::string VersionText(const BuildFacts& build);
// The same facts as one JSON object.
std::string VersionJson(const BuildFacts& build);

}  // namespace halflife
