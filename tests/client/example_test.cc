#include <cstdio>
#include <filesystem>

#include "tests/client/client_fixture.h"
#include "tests/client/local_daemon.h"

namespace halflife::client {
namespace {

// The example is built beside this test.
std::string ExamplePath() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "first_block").string();
}

TEST(Example, PutsLooksUpAndGetsItsFirstBlocks) {
  const SocketDirectory directory;
  LocalDaemon daemon(directory.socket());

  FILE* const pipe = popen((ExamplePath() + " " + directory.endpoint() + " 2>&1").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string output;
  char buffer[256];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) output += buffer;

  EXPECT_EQ(pclose(pipe), 0);
  EXPECT_EQ(output,
            "put: ok, 2 stored\n"
            "lookup: 2 of 2 blocks\n"
            "get: 2 blocks, as they were put\n");
}

}  // namespace
}  // namespace halflife::client
