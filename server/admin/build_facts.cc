#include "server/admin/build_facts.h"

#include <grpcpp/grpcpp.h>

#include "common/strings.h"

namespace halflife {
namespace {

std::string Compiler() {
#if defined(__clang__)
  return StrCat("clang ", __clang_major__, ".", __clang_minor__, ".", __clang_patchlevel__);
#else
  return StrCat("gcc ", __GNUC__, ".", __GNUC_MINOR__, ".", __GNUC_PATCHLEVEL__);
#endif
}

}  // namespace

const BuildFacts& ThisBuild() {
  static const auto* const build = new BuildFacts{.version = HL_VERSION,
                                                  .revision = HL_REVISION,
                                                  .compiler = Compiler(),
                                                  .grpc = grpc::Version(),
                                                  .rocksdb = HL_ROCKSDB_VERSION};
  return *build;
}

std::string VersionText(const BuildFacts& build) {
  return StrCat("halflifed ", build.version, " (git ", build.revision, ", ", build.compiler,
                ", grpc ", build.grpc, ", rocksdb ", build.rocksdb, ")");
}

// No value holds a character that JSON would escape.
std::string VersionJson(const BuildFacts& build) {
  return StrCat(R"({"name":"halflifed","version":")", build.version, R"(","revision":")",
                build.revision, R"(","compiler":")", build.compiler, R"(","grpc":")", build.grpc,
                R"(","rocksdb":")", build.rocksdb, "\"}");
}

}  // namespace halflife
