#include "common/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "tests/fakes/manual_clock.h"

namespace halflife {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// A log that goes to a pipe (or a socket pair) until the test ends.
class LogTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  void TearDown() override {
    ConfigureLog({});
    close(ends_[0]);
    close(ends_[1]);
  }

  std::string Written() {
    std::string text(1 << 20, '\0');
    const ssize_t size = read(ends_[0], text.data(), text.size());
    text.resize(size > 0 ? static_cast<size_t>(size) : 0);
    return text;
  }

  int ends_[2] = {-1, -1};
};

TEST_F(LogTest, ATextLineHasTimeLevelComponentAndMessage) {
  ConfigureLog({.fd = ends_[1]});

  Log(Severity::kWarning, "ssd", "partition 3 is read-only");

  EXPECT_THAT(Written(),
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z "
                           "warning ssd: partition 3 is read-only\n"));
}

TEST_F(LogTest, AJsonLineIsOneObjectWhateverTheMessageHolds) {
  ConfigureLog({.json = true, .fd = ends_[1]});

  Log(Severity::kInfo, "rpc", "a \"quoted\"\nnew line, \x01 and caf\xc3\xa9");
  const std::string valid = Written();
  Log(Severity::kInfo, "rpc", "not UTF-8: \xff");
  const std::string invalid = Written();

  EXPECT_THAT(valid, HasSubstr(R"("level":"info","component":"rpc",)"
                               R"("msg":"a \"quoted\"\nnew line, \u0001 and café"})"));
  EXPECT_THAT(invalid, EndsWith("\"msg\":\"not UTF-8: \\u00ff\"}\n"));
}

TEST_F(LogTest, AMessageCannotForgeASecondLine) {
  ConfigureLog({.fd = ends_[1]});

  Log(Severity::kInfo, "rpc", "name\n2026-01-01T00:00:00.000000Z error   rpc: forged");

  EXPECT_THAT(Written(), HasSubstr("name\\n2026"));
}

TEST_F(LogTest, LinesBelowTheMinimumAreNotWritten) {
  ConfigureLog({.minimum = Severity::kWarning, .fd = ends_[1]});

  Log(Severity::kInfo, "rpc", "quiet");
  Log(Severity::kError, "rpc", "loud");

  EXPECT_THAT(Written(), Not(HasSubstr("quiet")));
}

TEST_F(LogTest, ALongMessageIsCutToOneAtomicLine) {
  for (const bool json : {false, true}) {
    ConfigureLog({.json = json, .fd = ends_[1]});

    Log(Severity::kInfo, "rpc", std::string(100'000, '\x01'));

    const std::string line = Written();
    EXPECT_LE(line.size(), 4096u);
    EXPECT_THAT(line, HasSubstr("…"));
    EXPECT_EQ(line.back(), '\n');
  }
}

// Fills the pipe through an own description, as another process that shares the terminal would.
void Fill(int fd) {
  const int own = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_WRONLY | O_NONBLOCK);
  const std::string page(4096, 'x');
  while (write(own, page.data(), page.size()) > 0) {
  }
  close(own);
}

TEST_F(LogTest, AFullPipeDropsAndCountsLinesAndNeverBlocks) {
  ConfigureLog({.fd = ends_[1]});
  Fill(ends_[1]);
  const uint64_t before = DroppedLogLines();

  Log(Severity::kError, "rpc", "first");
  Log(Severity::kError, "rpc", "second");

  EXPECT_EQ(DroppedLogLines(), before + 2);
  EXPECT_EQ(fcntl(ends_[1], F_GETFL) & O_NONBLOCK, 0)
      << "the shared description must stay blocking";
}

TEST_F(LogTest, AFullSocketDropsLinesToo) {
  int sockets[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  ConfigureLog({.fd = sockets[1]});
  const uint64_t before = DroppedLogLines();

  constexpr int kTooManyLines = 100'000;
  for (int i = 0; i < kTooManyLines && DroppedLogLines() == before; ++i) {
    Log(Severity::kError, "rpc", std::string(1000, 'x'));
  }

  EXPECT_GT(DroppedLogLines(), before);
  close(sockets[0]);
  close(sockets[1]);
}

TEST(RateLimit, LetsOneThroughPerInterval) {
  ManualClock clock;
  RateLimit limit(absl::Seconds(1), clock);

  EXPECT_TRUE(limit.Pass());
  EXPECT_FALSE(limit.Pass());
  clock.Advance(absl::Milliseconds(999));
  EXPECT_FALSE(limit.Pass());
  clock.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(limit.Pass());
}

}  // namespace
}  // namespace halflife
