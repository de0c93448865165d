#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "client/include/halflife/client.h"
#include "common/limits.h"
#include "tests/client/client_fixture.h"
#include "tests/client/fake_daemon.h"

namespace halflife::client {
namespace {

ptrdiff_t ThreadCount() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return std::distance(begin(threads), end(threads));
}

TEST(Open, RefusesWrongOptionsAndSaysWhy) {
  const std::vector<std::pair<std::string, void (*)(Options&)>> wrong = {
      {"endpoint is empty", [](Options& o) { o.endpoint = ""; }},
      {"expected unix:///path or host:port", [](Options& o) { o.endpoint = "somewhere"; }},
      {"absolute path", [](Options& o) { o.endpoint = "unix:relative"; }},
      {"107", [](Options& o) { o.endpoint = "unix:///" + std::string(107, 'x'); }},
      {"lookup_budget", [](Options& o) { o.lookup_budget = std::chrono::microseconds(0); }},
      {"get_budget", [](Options& o) { o.get_budget = std::chrono::microseconds(-1); }},
      {"put_budget", [](Options& o) { o.put_budget = std::chrono::hours(1); }},
      {"get_budget_per_mib",
       [](Options& o) { o.get_budget_per_mib = std::chrono::microseconds(-1); }},
      {"breaker_failures", [](Options& o) { o.breaker_failures = 0; }},
      {"breaker_open", [](Options& o) { o.breaker_open_max = std::chrono::milliseconds(1); }},
      {"connections", [](Options& o) { o.connections = 0; }},
      {"connections", [](Options& o) { o.connections = 65; }},
      {"max_calls", [](Options& o) { o.max_calls = 0; }},
  };
  for (const auto& [reason, change] : wrong) {
    Options options;
    change(options);
    std::string error;
    EXPECT_EQ(Client::Open(options, &error), nullptr) << reason;
    EXPECT_THAT(error, testing::HasSubstr(reason));
  }
}

TEST(Open, TheLongestSocketPathIsAccepted) {
  Options options;
  options.endpoint = "unix:///" + std::string(106, 'x');

  EXPECT_NE(Client::Open(options), nullptr);
}

TEST(Open, OfANamespaceRefusesAWrongDescriptor) {
  const auto client = Client::Open(Options{});
  Namespace wrong = SmallNamespace();
  wrong.block_bytes = kMinBlockBytes - 1;
  std::string error;

  EXPECT_FALSE(static_cast<bool>(client->OpenNamespace(wrong, &error)));
  EXPECT_THAT(error, testing::HasSubstr("block_bytes"));
  EXPECT_TRUE(static_cast<bool>(client->OpenNamespace(SmallNamespace())));
}

TEST(WrongArguments, AreInvalidWithAReasonAndReachNoDaemon) {
  const SocketDirectory directory;
  FakeDaemon daemon(directory.endpoint());
  const auto client = Client::Open(Patient(directory.endpoint()));
  const auto other = Client::Open(Patient(directory.endpoint()));
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, kMaxChainBlocks + 1);
  const std::vector<uint32_t> tokens(8);

  std::vector<LookupRequest> wrong(6, LookupOf(ns, Chain(1, 1)));
  wrong[0].ns = NamespaceHandle();
  wrong[1].ns = other->OpenNamespace(SmallNamespace());
  wrong[2].chain = chain;
  wrong[3].tokens = tokens;
  wrong[4].part_first = 1;
  wrong[5].attributes.app = std::string(kMaxAttributeBytes + 1, 'a');
  const auto one = Chain(1, 1);
  for (size_t i = 0; i < wrong.size(); ++i) {
    if (i != 2) wrong[i].chain = one;
    const LookupResult result = client->Lookup(wrong[i]);
    EXPECT_EQ(result.outcome, Outcome::kInvalid) << i;
    EXPECT_NE(result.error, "") << i;
  }
  GetRequest get;
  get.ns = ns;
  EXPECT_EQ(client->Get(get).outcome, Outcome::kInvalid) << "no items";
  Buffers buffers(Chain(1, kMaxTransferBlocks + 1));
  EXPECT_EQ(client->Get(GetOf(ns, buffers)).outcome, Outcome::kInvalid);
  const PutResult put = client->Put(PutOf(ns, buffers));
  EXPECT_EQ(put.outcome, Outcome::kInvalid);
  EXPECT_THAT(put.error, testing::HasSubstr("129"));
  for (const PutItem& item : put.items) EXPECT_EQ(item.outcome, Outcome::kInvalid);

  EXPECT_EQ(daemon.opens() + daemon.lookups(), 0);
  EXPECT_EQ(client->stats().breaker_opens, 0u) << "a caller's bug is not the daemon's failure";
}

TEST(WrongArguments, APromptShorterThanABlockIsNoQuestion) {
  const auto client = Client::Open(Options{});
  LookupRequest request;
  request.ns = client->OpenNamespace(SmallNamespace());
  const std::vector<uint32_t> tokens = {1, 2, 3};
  request.tokens = tokens;

  const LookupResult result = client->Lookup(request);

  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.blocks, 0u);
}

TEST(OutcomesOfAnEarlierCall, DoNotSurviveACallThatReachesNobody) {
  const SocketDirectory directory;
  const auto client = Client::Open(Patient(directory.endpoint()));
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  Buffers buffers(Chain(1, 2));
  GetRequest get = GetOf(ns, buffers);
  PutRequest put = PutOf(ns, buffers);
  for (GetItem& item : get.items) item.outcome = Outcome::kOk;
  for (PutItem& item : put.items) item.outcome = Outcome::kOk;

  EXPECT_EQ(client->Get(get).ok_items, 0u);
  EXPECT_EQ(client->Put(put).stored, 0u);
}

TEST(KillSwitch, MakesEveryCallAMissAndConnectsNowhere) {
  const SocketDirectory directory;
  FakeDaemon daemon(directory.endpoint());
  setenv("HALFLIFE_DISABLE", "1", 1);
  const auto client = Client::Open(Patient(directory.endpoint()));
  unsetenv("HALFLIFE_DISABLE");
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 2);
  std::atomic<int> ends{0};

  EXPECT_EQ(client->Lookup(LookupOf(ns, chain)).outcome, Outcome::kUnavailable);
  EXPECT_FALSE(client->Healthy(std::chrono::seconds(10)));
  client->LookupAsync(LookupOf(ns, chain), [&ends](LookupResult) { ++ends; });
  client->Drain();

  EXPECT_EQ(ends, 1);
  EXPECT_EQ(daemon.opens(), 0);
}

TEST(MaxCalls, BoundsWhatIsUnderWay) {
  const SocketDirectory directory;
  FakeDaemon daemon(directory.endpoint());
  daemon.Tell(Lie::kHang);
  Options options = Patient(directory.endpoint());
  options.max_calls = 3;
  const auto client = Client::Open(options);
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 2);
  for (int i = 0; i < 3; ++i) client->LookupAsync(LookupOf(ns, chain), [](LookupResult) {});

  EXPECT_EQ(client->Lookup(LookupOf(ns, chain)).outcome, Outcome::kUnavailable);
}

// In a process of its own, because others of this binary leave gRPC's threads behind.
TEST(ThreadsDeathTest, NoneBeforeTheFirstOpen) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(std::exit(ThreadCount() == 1 ? 0 : 1), testing::ExitedWithCode(0), "");
}

TEST(Fork, AChildGetsMissesAndEndsCleanly) {
  const SocketDirectory directory;
  FakeDaemon daemon(directory.endpoint());
  auto client = OpenConnected(directory.endpoint());
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 2);
  ASSERT_EQ(client->Lookup(LookupOf(ns, chain)).outcome, Outcome::kOk);

  const pid_t child = fork();
  if (child == 0) {
    const bool missed = client->Lookup(LookupOf(ns, chain)).outcome == Outcome::kUnavailable;
    client->Drain();
    client.reset();
    _exit(missed ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(client->Lookup(LookupOf(ns, chain)).outcome, Outcome::kOk) << "the parent goes on";
}

}  // namespace
}  // namespace halflife::client
