// SIGKILL at every named point and after any number of operations: what was acknowledged is there,
// what was erased is gone, and no byte is wrong.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/killpoint.h"
#include "common/log.h"
#include "tests/storage/ssd/ssd_fixture.h"

extern char** environ;

namespace halflife {
namespace {

constexpr const char* kChildVariable = "HALFLIFE_TEST_SSD_CHILD";  // "<first seed> <directory>"
constexpr uint64_t kQuota = uint64_t{48} << 20;
constexpr int kPartitions = 2;
constexpr int kBatchBlocks = 5;

uint32_t BytesOf(uint64_t seed) {
  return seed % 4 == 0 ? 6'000 : seed % 32 == 1 ? 700'000 : 40'000;
}

void Acknowledge(char what, uint64_t seed) {
  char line[32];
  const int length =
      std::snprintf(line, sizeof line, "%c%llu\n", what, static_cast<unsigned long long>(seed));
  if (::write(STDOUT_FILENO, line, static_cast<size_t>(length)) != length) ::_exit(3);
}

// One batch, acknowledged before and after.
void WriteSome(TierUnderTest& ssd, uint64_t* seed, std::vector<TestBlock>* stored) {
  std::vector<TestBlock> blocks;
  for (int i = 0; i < kBatchBlocks; ++i, ++*seed) {
    blocks.push_back({*seed, BytesOf(*seed)});
    Acknowledge('w', *seed);  // begun
  }
  const std::vector<absl::StatusOr<SsdLocation>> written = ssd.WriteBatch(blocks);
  std::vector<TestBlock> there;
  for (size_t i = 0; i < written.size(); ++i) {
    if (!written[i].ok()) continue;
    Acknowledge('W', blocks[i].seed);
    there.push_back(blocks[i]);
  }
  for (const absl::StatusOr<BlockRef>& block : ssd.ReadBatch(there)) {
    if (!block.ok()) ::_exit(5);
  }
  stored->insert(stored->end(), there.begin(), there.end());
}

// What the child does until it is killed: batches of puts, some erased again, files that come and
// go.
[[noreturn]] void RunChild(uint64_t seed, const std::string& directory) {
  TierUnderTest ssd(directory, kQuota);
  ssd.options.partitions = kPartitions;
  if (!ssd.Open().ok()) ::_exit(2);
  ssd.tier().Recover([](const SsdTier::Recovered&) {});
  for (bool first = true;; first = false) {
    if (!ssd.tier().PutNamespace(TestNamespace(), "descriptor").ok()) ::_exit(4);
    Acknowledge('N', 0);
    std::vector<TestBlock> stored;
    for (int i = 0; i < 250 / kBatchBlocks; ++i) WriteSome(ssd, &seed, &stored);
    for (const TestBlock& block : stored) {
      if (first && block.seed % 2 == 0) continue;  // stays
      Acknowledge('e', block.seed);
      ssd.Erase(block);
      Acknowledge('E', block.seed);
    }
    ssd.Settle();
  }
}

// Turns this program into the child when the variable asks for it: a forked child of a process that
// has threads of RocksDB could not run RocksDB.
class ChildEnvironment final : public ::testing::Environment {
 public:
  void SetUp() override {
    const char* text = std::getenv(kChildVariable);
    if (text == nullptr) return;
    char* directory = nullptr;
    const uint64_t seed = std::strtoull(text, &directory, 10);
    ConfigureLog({.minimum = Severity::kError});
    RunChild(seed, directory + 1);
  }
};
const ::testing::Environment* const kChildEnvironment =
    ::testing::AddGlobalTestEnvironment(new ChildEnvironment);

// What the child acknowledged before it died.
struct Acknowledged {
  std::set<uint64_t> stored, erased, unknown;  // unknown: an operation was on its way
  bool namespace_stored = false;
  size_t lines = 0;
  bool killed = false;

  void Read(char what, uint64_t seed) {
    ++lines;
    if (what == 'N') namespace_stored = true;
    if (what == 'w' || what == 'e') unknown.insert(seed);
    if (what == 'e') stored.erase(seed);
    if (what == 'W') stored.insert(seed);
    if (what == 'E') erased.insert(seed);
    if (what == 'W' || what == 'E') unknown.erase(seed);
  }
};

class SsdKillTest : public SsdTest {
 protected:
  SsdKillTest() {
    ssd_.options.quota_bytes = kQuota;
    ssd_.options.partitions = kPartitions;
  }

  // Runs a child until it dies at `kill_point`, or kills it after `line_limit` acknowledgements.
  Acknowledged RunUntilKilled(const std::string& kill_point, size_t line_limit) {
    int pipe_ends[2];
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.emplace_back(*entry);
    environment.push_back(absl::StrCat(kChildVariable, "=", seed_, " ", ssd_.options.directory));
    environment.push_back(absl::StrCat("HALFLIFE_KILLPOINT=", kill_point));
    std::vector<char*> pointers;
    for (std::string& entry : environment) pointers.push_back(entry.data());
    pointers.push_back(nullptr);
    std::string program = "/proc/self/exe",
                filter = "--gtest_filter=SsdTest.AReadBlockCarriesItsHeader";
    char* arguments[] = {program.data(), filter.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, pointers.data()) != 0)
      std::abort();
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);

    Acknowledged acknowledged;
    std::FILE* const lines = ::fdopen(pipe_ends[0], "r");
    char line[256];
    while (std::fgets(line, sizeof line, lines) != nullptr) {
      unsigned long long seed = 0;
      char what = 0;
      if (std::sscanf(line, "%c%llu", &what, &seed) != 2) continue;  // gtest's own lines
      acknowledged.Read(what, seed);
      seed_ = std::max<uint64_t>(seed_, seed + 1);
      if (acknowledged.lines == line_limit) ::kill(child, SIGKILL);
    }
    std::fclose(lines);
    int status = 0;
    ::waitpid(child, &status, 0);
    acknowledged.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    EXPECT_TRUE(acknowledged.killed) << "status " << status << " at " << kill_point;
    return acknowledged;
  }

  void ExpectNothingLost(const Acknowledged& acknowledged) {
    ASSERT_TRUE(ssd_.Open().ok());
    ssd_.Reopen();
    std::vector<TestBlock> stored, erased, unknown;
    for (const uint64_t seed : acknowledged.stored) stored.push_back({seed, BytesOf(seed)});
    for (const uint64_t seed : acknowledged.erased) erased.push_back({seed, BytesOf(seed)});
    for (const uint64_t seed : acknowledged.unknown) unknown.push_back({seed, BytesOf(seed)});
    EXPECT_EQ(ssd_.ReadAll(stored), stored.size()) << "acknowledged blocks are lost";
    EXPECT_EQ(ssd_.ReadAll(erased), 0u) << "erased blocks are back";
    EXPECT_LE(unknown.size(), size_t{kBatchBlocks});
    ssd_.ReadAll(unknown);
    if (acknowledged.namespace_stored) {
      EXPECT_EQ(ssd_.tier().LoadNamespaces(), std::vector<std::string>{"descriptor"});
    }
    EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
    EXPECT_LE(UsedBytes(ssd_.options.directory), kQuota);
    EXPECT_EQ(ssd_.tier().stats().blocks, ssd_.locations.size());
    // Conserved: after erasing what is there, all room is free.
    for (const TestBlock& block : stored) ssd_.Erase(block);
    for (const TestBlock& block : unknown) ssd_.Erase(block);
    ssd_.Close();
  }

  uint64_t seed_ = 1;
};

TEST_F(SsdKillTest, EveryKillPointLeavesABlockWholeOrAbsent) {
  for (const std::string_view point : kKillPoints) {
    if (point.substr(0, 4) != "ssd.") continue;  // of other modules
    for (const int nth : {1, 2}) {
      SCOPED_TRACE(absl::StrCat(std::string(point), ":", nth));
      ExpectNothingLost(RunUntilKilled(absl::StrCat(std::string(point), ":", nth), SIZE_MAX));
    }
  }
}

TEST_F(SsdKillTest, AKillAfterAnyNumberOfOperationsLosesNothingAcknowledged) {
  Random random(31);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    const Acknowledged acknowledged = RunUntilKilled("", 1 + random.Below(1500));
    ExpectNothingLost(acknowledged);
  }
}

TEST(KillPoint, NamesAreUniqueAndKnown) {
  const std::set<std::string_view> names(kKillPoints.begin(), kKillPoints.end());
  EXPECT_EQ(names.size(), kKillPoints.size());
  EXPECT_TRUE(IsKillPoint("ssd.write.after_payload"));
  EXPECT_FALSE(IsKillPoint("ssd.write"));
}

}  // namespace
}  // namespace halflife
