#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "server/exit_code.h"
#include "tests/server/node/daemon_process.h"
#include "tests/server/node/http_get.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The real halflifed with a socket and an SSD directory of its own.
class DaemonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (DaemonProcess::Binary().empty()) GTEST_SKIP() << "halflifed was not built";
  }

  std::vector<std::string> Arguments(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"--server.unix_socket=" + socket(),
                                          "--storage.dram.budget=64MiB", "--server.drain_time=0s",
                                          "--log.format=text", "--admin.listen="};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<std::string> WithSsd(std::vector<std::string> more = {}) const {
    more.push_back("--storage.ssd.directory=" + (scratch_ / "ssd"));
    more.push_back("--storage.ssd.quota=256MiB");
    return Arguments(more);
  }
  std::string socket() const { return scratch_ / "run/h.sock"; }

  Scratch scratch_;
};

TEST_F(DaemonTest, StartsServesAndStopsCleanlyOnSigterm) {
  DaemonProcess daemon(WithSsd());
  ASSERT_EQ(daemon.NextNotification(), "READY=1") << daemon.Output();
  struct stat facts;
  ASSERT_EQ(stat(socket().c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0660u);
  ASSERT_EQ(stat((scratch_ / "run").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0750u);
  ASSERT_EQ(stat((scratch_ / "ssd").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);

  daemon.Signal(SIGTERM);

  EXPECT_EQ(daemon.NextNotification(), "STOPPING=1");
  EXPECT_EQ(daemon.WaitExit(), kExitOk) << daemon.Output();
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(DaemonTest, ABadConfigurationExitsWith2AndNamesTheLine) {
  WriteText(scratch_ / "bad.yaml", "log:\n  levle: info\n");

  DaemonProcess daemon({"--config=" + (scratch_ / "bad.yaml")});

  EXPECT_EQ(daemon.WaitExit(), kExitBadConfig);
  EXPECT_THAT(daemon.Output(),
              HasSubstr("bad.yaml:2:3: log.levle: unknown key; did you mean log.level?"));
}

TEST_F(DaemonTest, AnUnknownFlagAndAMissingFileExitWith2) {
  DaemonProcess unknown({"--log.levle=info"});
  DaemonProcess missing({"--config=" + (scratch_ / "nothing.yaml")});

  EXPECT_EQ(unknown.WaitExit(), kExitBadConfig);
  EXPECT_EQ(missing.WaitExit(), kExitBadConfig);
}

TEST_F(DaemonTest, CheckAndPrintConfigAnswerWithoutStarting) {
  DaemonProcess check(Arguments({"--check-config"}));
  DaemonProcess print(Arguments({"--print-config"}), {"HALFLIFE_LOG_LEVEL=warning"});
  DaemonProcess defaults({"--print-default-config"});

  EXPECT_EQ(check.WaitExit(), kExitOk);
  EXPECT_EQ(print.WaitExit(), kExitOk);
  EXPECT_EQ(defaults.WaitExit(), kExitOk);
  EXPECT_THAT(print.Output(), HasSubstr("level: warning  # HALFLIFE_LOG_LEVEL\n"));
  EXPECT_THAT(print.Output(), HasSubstr("budget: 64MiB  # --storage.dram.budget\n"));
  EXPECT_THAT(defaults.Output(),
              HasSubstr("# Unix socket that clients of this machine connect to."));
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "run"));
}

TEST_F(DaemonTest, AnEmptyFlagIsAnEmptyValueAndTheLastOfSeveralCounts) {
  DaemonProcess print(
      {"--print-config", "--log.level=info", "--admin.listen=", "--log.level=error"});

  EXPECT_EQ(print.WaitExit(), kExitOk);
  EXPECT_THAT(print.Output(), HasSubstr("listen: \"\"  # --admin.listen\n"));
  EXPECT_THAT(print.Output(), HasSubstr("level: error  # --log.level\n"));
}

TEST_F(DaemonTest, ASecretOpenToOthersIsABadConfiguration) {
  WriteText(scratch_ / "secret", std::string(32, 'k'));
  chmod((scratch_ / "secret").c_str(), 0644);

  DaemonProcess check(
      Arguments({"--check-config", "--security.secret_file=" + (scratch_ / "secret")}));

  EXPECT_EQ(check.WaitExit(), kExitBadConfig);
  EXPECT_THAT(check.Output(), HasSubstr("chmod 0400"));
}

TEST_F(DaemonTest, TellsItsVersionForPeopleAndPrograms) {
  DaemonProcess text({"--version"});
  DaemonProcess json({"--version", "--output", "json"});

  EXPECT_EQ(text.WaitExit(), kExitOk);
  EXPECT_EQ(json.WaitExit(), kExitOk);
  EXPECT_THAT(text.Output(), StartsWith("halflifed 0."));
  EXPECT_THAT(text.Output(), HasSubstr("rocksdb "));
  EXPECT_THAT(json.Output(), StartsWith(R"({"name":"halflifed","version":"0.)"));
}

TEST_F(DaemonTest, ASecondDaemonOnTheSocketOrTheDirectoryExitsWith3AndNamesTheHolder) {
  DaemonProcess first(WithSsd());
  ASSERT_EQ(first.NextNotification(), "READY=1") << first.Output();
  const std::string holder = "in use by process " + std::to_string(first.pid());

  DaemonProcess same_socket(Arguments());
  DaemonProcess same_directory(WithSsd({"--server.unix_socket=" + (scratch_ / "other/h.sock")}));

  EXPECT_EQ(same_socket.WaitExit(), kExitInUse);
  EXPECT_THAT(same_socket.Output(), HasSubstr(holder));
  EXPECT_EQ(same_directory.WaitExit(), kExitInUse);
  EXPECT_THAT(same_directory.Output(), HasSubstr(holder));
  first.Signal(SIGTERM);
  EXPECT_EQ(first.WaitExit(), kExitOk) << "the first one was not disturbed";
}

TEST_F(DaemonTest, AStaleSocketOfAKilledDaemonIsNoObstacle) {
  DaemonProcess first(WithSsd());
  ASSERT_EQ(first.NextNotification(), "READY=1") << first.Output();
  first.Signal(SIGKILL);
  first.WaitExit();
  ASSERT_TRUE(std::filesystem::exists(socket()));

  DaemonProcess second(WithSsd());

  EXPECT_EQ(second.NextNotification(), "READY=1") << second.Output();
}

TEST_F(DaemonTest, SighupAppliesAGoodFileAndKeepsTheOldOneForABadFile) {
  const std::string file = scratch_ / "halflife.yaml";
  WriteText(file, "log:\n  level: info\n");
  DaemonProcess daemon(Arguments({"--config=" + file}));
  ASSERT_EQ(daemon.NextNotification(), "READY=1") << daemon.Output();

  WriteText(file, "log:\n  level: debug\nserver:\n  io_threads: 7\n");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.NextNotification(), StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  EXPECT_EQ(daemon.NextNotification(), "READY=1");
  EXPECT_THAT(daemon.Output(),
              HasSubstr("changed: log.level; restart needed for: server.io_threads"));

  WriteText(file, "log:\n  level: loud\n");
  daemon.Signal(SIGHUP);
  EXPECT_THAT(daemon.NextNotification(), StartsWith("RELOADING=1"));
  EXPECT_EQ(daemon.NextNotification(), "READY=1");
  EXPECT_THAT(daemon.Output(), HasSubstr("reload refused, the configuration stays as it was: "));
  EXPECT_THAT(daemon.Output(), HasSubstr("halflife.yaml:2:10: log.level: \"loud\""));

  daemon.Signal(SIGTERM);
  EXPECT_EQ(daemon.WaitExit(), kExitOk);
}

TEST_F(DaemonTest, Sigusr1LogsTheStateAndSigpipeIsIgnored) {
  DaemonProcess daemon(Arguments({"--server.drain_time=1ms"}));
  ASSERT_EQ(daemon.NextNotification(), "READY=1") << daemon.Output();

  daemon.Signal(SIGPIPE);
  daemon.Signal(SIGUSR1);
  daemon.Signal(SIGINT);

  EXPECT_EQ(daemon.WaitExit(), kExitOk);
  EXPECT_THAT(daemon.Output(), HasSubstr("state: up "));
}

TEST_F(DaemonTest, ASecondSigtermCutsADrainShort) {
  DaemonProcess daemon(Arguments({"--server.drain_time=10m"}));
  ASSERT_EQ(daemon.NextNotification(), "READY=1") << daemon.Output();
  daemon.Signal(SIGTERM);
  ASSERT_EQ(daemon.NextNotification(), "STOPPING=1");

  daemon.Signal(SIGTERM);

  EXPECT_EQ(daemon.WaitExit(), kExitCutShort);
}

TEST_F(DaemonTest, ACrashLoopLeavesTheSsdTierOutUntilACleanStop) {
  for (int crash = 0; crash < 2; ++crash) {
    DaemonProcess daemon(WithSsd({"--storage.ssd.crash_limit=2"}));
    ASSERT_EQ(daemon.NextNotification(), "READY=1") << daemon.Output();
    EXPECT_THAT(daemon.Output(), Not(HasSubstr("WITHOUT the SSD tier")));
    daemon.Signal(SIGKILL);
    daemon.WaitExit();
  }

  DaemonProcess third(WithSsd({"--storage.ssd.crash_limit=2"}));
  ASSERT_EQ(third.NextNotification(), "READY=1") << third.Output();
  EXPECT_THAT(third.Output(), HasSubstr("WITHOUT the SSD tier"));
  third.Signal(SIGTERM);
  EXPECT_EQ(third.WaitExit(), kExitOk);

  DaemonProcess fourth(WithSsd({"--storage.ssd.crash_limit=2"}));
  ASSERT_EQ(fourth.NextNotification(), "READY=1") << fourth.Output();
  EXPECT_THAT(fourth.Output(), Not(HasSubstr("WITHOUT the SSD tier")));
}

}  // namespace
}  // namespace halflife
