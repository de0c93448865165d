// Processes that really die while they open a database: whoever dies by its own doing gives its
// partition away at once, and each culprit costs one start.
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "tests/storage/ssd/ssd_fixture.h"

extern char** environ;

namespace halflife {
namespace {

constexpr const char* kChildVariable = "HALFLIFE_TEST_SSD_OPENING_CHILD";  // <directory>
constexpr int kPartitions = 4;
constexpr uint64_t kQuota = uint64_t{48} << 20;
constexpr uint32_t kSlotBytes = 40'000;
constexpr const char* kBomb = "/BOMB";  // in a database: what happens to the process that opens it

// Ends the process where RocksDB begins to open a database with a bomb in it.
class BombFs final : public rocksdb::FileSystemWrapper {
 public:
  BombFs() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "BombFs"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override {
    const std::string directory = name.substr(0, name.rfind('/'));
    std::string bomb;
    if (absl::EndsWith(name, "/CURRENT")) std::ifstream(directory + kBomb) >> bomb;
    if (bomb == "abort") std::abort();
    if (bomb == "fault") *ForbiddenPage() = 1;
    if (bomb == "kill") ::kill(::getpid(), SIGKILL);
    if (bomb == "watchdog") ::kill(::getpid(), SIGABRT);
    return FileSystemWrapper::NewSequentialFile(name, options, result, context);
  }

 private:
  // Not a null pointer: UBSan would report that, and not touch it.
  static volatile char* ForbiddenPage() {
    return static_cast<char*>(::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  }
};

// Turns this program into a process that opens the tier, and nothing else.
class OpeningChild final : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* const directory = std::getenv(kChildVariable);
    if (directory == nullptr) return;
    const struct rlimit no_core {};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ConfigureLog({.minimum = Severity::kError});
    const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<BombFs>());
    TierUnderTest ssd(directory, kQuota);
    ssd.options.partitions = kPartitions;
    ssd.seams.rocks_env = env.get();
    const bool opened = ssd.Open().ok();
    ssd.Close();
    ::_exit(opened ? 0 : 2);
  }
};
const ::testing::Environment* const kOpeningChild =
    ::testing::AddGlobalTestEnvironment(new OpeningChild);

class SsdOpeningDeathTest : public SsdTest {
 protected:
  SsdOpeningDeathTest() {
    ssd_.options.partitions = kPartitions;
    ssd_.options.quota_bytes = kQuota;
    blocks_ = Blocks(1, 80, kSlotBytes);
  }
  ~SsdOpeningDeathTest() override { ssd_.Close(); }

  void Fill() {
    ASSERT_TRUE(ssd_.Open().ok());
    for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
    ssd_.Close();
  }
  std::string Bomb(int partition) const {
    return absl::StrCat(ssd_.options.directory, "/partition-", partition, kBomb);
  }
  void Plant(int partition, const std::string& bomb) { std::ofstream(Bomb(partition)) << bomb; }
  void Defuse(int partition) { ::unlink(Bomb(partition).c_str()); }

  // The signal that ended a process which opens the tier; 0 if it opened it.
  int DeathOfAStart() {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    environment.push_back(absl::StrCat(kChildVariable, "=", ssd_.options.directory));
    // A sanitizer would turn the fault into an exit.
    for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
      environment.push_back(absl::StrCat(name, "=handle_segv=0:handle_abort=0"));
    }
    std::vector<char*> pointers;
    for (std::string& entry : environment) pointers.push_back(entry.data());
    pointers.push_back(nullptr);
    std::string program = "/proc/self/exe",
                filter = "--gtest_filter=SsdTest.AReadBlockCarriesItsHeader";
    char* arguments[] = {program.data(), filter.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments, pointers.data()) != 0)
      std::abort();
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return 0;
  }
  size_t BlocksOutside(const std::vector<int>& partitions) const {
    size_t count = 0;
    for (const TestBlock& block : blocks_) {
      const auto home = static_cast<int>(block.key().Head() % kPartitions);
      count += std::count(partitions.begin(), partitions.end(), home) == 0 ? 1 : 0;
    }
    return count;
  }
  void ExpectServesAllBut(const std::vector<int>& partitions) {
    EXPECT_EQ(ssd_.tier().stats().partitions_serving, kPartitions);
    EXPECT_EQ(ssd_.ReadAll(blocks_), BlocksOutside(partitions));
  }

  std::vector<TestBlock> blocks_;
};

TEST_F(SsdOpeningDeathTest, AnAbortGivesItsPartitionAwayAtOnce) {
  Fill();
  Plant(1, "abort");

  EXPECT_EQ(DeathOfAStart(), SIGABRT);
  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  ExpectServesAllBut({1});
}

TEST_F(SsdOpeningDeathTest, ABadAccessGivesItsPartitionAwayAtOnce) {
  Fill();
  Plant(2, "fault");

  EXPECT_EQ(DeathOfAStart(), SIGSEGV);
  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  ExpectServesAllBut({2});
}

TEST_F(SsdOpeningDeathTest, EachCulpritCostsOneStart) {
  Fill();
  for (const int culprit : {0, 1, 3}) Plant(culprit, "abort");

  // Several may die in the first start, which opens them side by side.
  int starts = 1;
  for (; starts < 10 && DeathOfAStart() == SIGABRT; ++starts) {
  }

  EXPECT_LE(starts, 4);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u) << "the last start set the last one aside";
  ExpectServesAllBut({0, 1, 3});
}

TEST_F(SsdOpeningDeathTest, OneKillFromOutsideCostsNothing) {
  for (const auto& [bomb, signal] : {std::pair("kill", SIGKILL), std::pair("watchdog", SIGABRT)}) {
    SCOPED_TRACE(bomb);
    Fill();
    Plant(1, bomb);

    EXPECT_EQ(DeathOfAStart(), signal);
    Defuse(1);
    ssd_.Reopen();

    EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
    ExpectServesAllBut({});
    ssd_.Close();
  }
}

TEST_F(SsdOpeningDeathTest, TwoKillsInARowSetThePartitionAside) {
  Fill();
  Plant(1, "kill");
  EXPECT_EQ(DeathOfAStart(), SIGKILL);
  EXPECT_EQ(DeathOfAStart(), SIGKILL);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  ExpectServesAllBut({1});
}

TEST_F(SsdOpeningDeathTest, TheHandlersOfTheProcessAreGivenBack) {
  struct sigaction mine {};
  mine.sa_handler = [](int) {};
  struct sigaction former {};
  ASSERT_EQ(::sigaction(SIGFPE, &mine, &former), 0);

  Fill();
  ssd_.Reopen();

  struct sigaction now {};
  ASSERT_EQ(::sigaction(SIGFPE, &former, &now), 0);
  EXPECT_EQ(now.sa_handler, mine.sa_handler);
}

}  // namespace
}  // namespace halflife
