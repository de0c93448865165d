#include "tests/client/garbage_peer.h"

#include "client/include/halflife/client.h"
#include "common/clock.h"
#include "tests/client/client_fixture.h"

namespace halflife::client {
namespace {

// How much later than its budget a call may come back on a loaded build machine. That it is 20 ms
// is shown by the end-to-end tests, which have the machine for themselves.
constexpr absl::Duration kSlack = absl::Milliseconds(500);

Options Hasty(const std::string& endpoint) {
  Options options;
  options.endpoint = endpoint;
  options.lookup_budget = std::chrono::milliseconds(50);
  options.get_budget = std::chrono::milliseconds(50);
  options.put_budget = std::chrono::milliseconds(50);
  options.breaker_failures = 1000;  // each call shall meet the peer
  return options;
}

void ExpectMissesInTime(Client& client) {
  const NamespaceHandle ns = client.OpenNamespace(SmallNamespace());
  Buffers buffers(Chain(1, 4));
  buffers.FillWithPayload();
  const auto chain = Chain(1, 4);
  for (int i = 0; i < 5; ++i) {
    const absl::Duration start = Clock::Real().Now();
    const LookupResult looked_up = client.Lookup(LookupOf(ns, chain));
    const GetResult got = client.Get(GetOf(ns, buffers));
    const PutResult put = client.Put(PutOf(ns, buffers));
    const absl::Duration took = Clock::Real().Now() - start;

    for (const Outcome outcome : {looked_up.outcome, got.outcome, put.outcome}) {
      EXPECT_TRUE(outcome == Outcome::kUnavailable || outcome == Outcome::kTimeout)
          << OutcomeName(outcome);
    }
    EXPECT_EQ(looked_up.prefix_blocks, 0u);
    EXPECT_EQ(got.ok_items, 0u);
    EXPECT_EQ(put.stored + put.duplicates, 0u);
    EXPECT_LT(took, absl::Milliseconds(3 * 50) + kSlack);
  }
  EXPECT_FALSE(client.Healthy(std::chrono::milliseconds(50)));
}

class GarbagePeerTest : public testing::TestWithParam<Garbage> {};

TEST_P(GarbagePeerTest, IsAMissWithinTheBudget) {
  const SocketDirectory directory;
  GarbagePeer peer(directory.socket(), GetParam());
  const auto client = Client::Open(Hasty(directory.endpoint()));

  ExpectMissesInTime(*client);

  EXPECT_GT(peer.connections(), 0);
}

INSTANTIATE_TEST_SUITE_P(Peers, GarbagePeerTest, testing::ValuesIn(kAllGarbage),
                         [](const auto& info) { return GarbageName(info.param); });

TEST(AbsentDaemon, IsAMissWithinTheBudget) {
  const SocketDirectory directory;
  const auto client = Client::Open(Hasty(directory.endpoint()));

  ExpectMissesInTime(*client);
}

TEST(AbsentDaemon, IsAMissOverTcpToo) {
  const auto client = Client::Open(Hasty("127.0.0.1:1"));

  ExpectMissesInTime(*client);
}

TEST(AbsentDaemon, OpensTheBreakerWhichThenAnswersWithoutTrying) {
  const SocketDirectory directory;
  Options options = Hasty(directory.endpoint());
  options.breaker_failures = 3;
  options.breaker_open = options.breaker_open_max = std::chrono::hours(1);
  const auto client = Client::Open(options);
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 512);
  for (int i = 0; i < 3; ++i) (void)client->Lookup(LookupOf(ns, chain));
  ASSERT_EQ(client->stats().breaker_opens, 1u);

  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(client->Lookup(LookupOf(ns, chain)).outcome, Outcome::kUnavailable);

  EXPECT_EQ(client->stats().breaker_rejections, 10u);
  EXPECT_EQ(client->stats().unavailable + client->stats().timeouts, 13u);
}

TEST(AbsentDaemon, AsyncCallsEndOnceOnAnotherThread) {
  const SocketDirectory directory;
  Options options = Hasty(directory.endpoint());
  options.breaker_failures = 3;
  const auto client = Client::Open(options);
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 4);
  std::atomic<int> ends{0};
  std::atomic<int> here{0};
  const auto caller = std::this_thread::get_id();

  for (int i = 0; i < 50; ++i) {
    client->LookupAsync(LookupOf(ns, chain), [&](LookupResult result) {
      EXPECT_NE(result.outcome, Outcome::kOk);
      if (std::this_thread::get_id() == caller) ++here;
      ++ends;
    });
  }
  client->Drain();

  EXPECT_EQ(ends, 50);
  EXPECT_EQ(here, 0);
}

TEST(AbsentDaemon, TheEndOfAClientEndsItsCallsAtOnce) {
  const SocketDirectory directory;
  GarbagePeer peer(directory.socket(), Garbage::kSettingsThenHang);
  auto client = Client::Open(Patient(directory.endpoint()));
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  const auto chain = Chain(1, 4);
  std::atomic<int> ends{0};
  for (int i = 0; i < 8; ++i) {
    client->LookupAsync(LookupOf(ns, chain), [&](LookupResult result) {
      EXPECT_EQ(result.outcome, Outcome::kUnavailable);
      ++ends;
    });
  }

  const absl::Duration start = Clock::Real().Now();
  client.reset();

  EXPECT_EQ(ends, 8);
  EXPECT_LT(Clock::Real().Now() - start, absl::Seconds(5)) << "the budgets were 20 s";
}

}  // namespace
}  // namespace halflife::client
