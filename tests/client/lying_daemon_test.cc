#include <map>

#include "client/include/halflife/client.h"
#include "tests/client/client_fixture.h"
#include "tests/client/fake_daemon.h"

namespace halflife::client {
namespace {

constexpr uint32_t kBlocks = 4;

class LyingDaemonTest : public testing::Test {
 protected:
  LyingDaemonTest() {
    Buffers buffers(chain_);
    buffers.FillWithPayload();
    const PutResult put = client_->Put(PutOf(ns_, buffers));
    EXPECT_EQ(put.outcome, Outcome::kOk);
    EXPECT_EQ(put.stored, kBlocks);
  }

  // Asks for the whole chain; whatever is called kOk must be true.
  GetResult Get() {
    Buffers buffers(chain_);
    GetResult result = client_->Get(GetOf(ns_, buffers));
    for (size_t i = 0; i < result.items.size(); ++i) {
      const bool ok = result.items[i].outcome == Outcome::kOk;
      EXPECT_TRUE(!ok || buffers.HoldsPayload(i)) << i;
    }
    EXPECT_TRUE(buffers.GuardsAreIntact());
    return result;
  }

  SocketDirectory directory_;
  FakeDaemon daemon_{directory_.endpoint()};
  std::unique_ptr<Client> client_ = OpenConnected(directory_.endpoint());
  NamespaceHandle ns_ = client_->OpenNamespace(SmallNamespace());
  const std::vector<Hash> chain_ = Chain(1, kBlocks);
};

TEST_F(LyingDaemonTest, WithoutALieEveryBlockIsOk) {
  const GetResult result = Get();

  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.ok_items, kBlocks);
  EXPECT_EQ(result.prefix_items, kBlocks);
  EXPECT_EQ(client_->stats().get_bytes, kBlocks * kSmallBlock);
}

TEST_F(LyingDaemonTest, BytesThatDoNotVerifyAreMissesAndCounted) {
  for (const Lie lie : {Lie::kWrongChecksum, Lie::kFlippedBit, Lie::kOtherBlocksBytes}) {
    const uint64_t before = client_->stats().corrupt_blocks;
    daemon_.Tell(lie);

    const GetResult result = Get();

    EXPECT_EQ(result.outcome, Outcome::kOk) << "the stream itself was fine";
    EXPECT_EQ(result.ok_items, 0u);
    for (const GetItem& item : result.items) EXPECT_EQ(item.outcome, Outcome::kMiss);
    EXPECT_EQ(client_->stats().corrupt_blocks - before, kBlocks);
  }
}

TEST_F(LyingDaemonTest, FramesThatWereNotAskedForEndTheCall) {
  for (const Lie lie : {Lie::kNoChecksum, Lie::kWrongIndex, Lie::kWrongPart, Lie::kShortPayload,
                        Lie::kTooMuchPayload, Lie::kOtherBlockBytes, Lie::kGap,
                        Lie::kEndlessEmptyFrames, Lie::kGarbageMessage}) {
    SCOPED_TRACE(static_cast<int>(lie));
    const uint64_t before = client_->stats().identity_mismatches;
    daemon_.Tell(lie);

    const GetResult result = Get();

    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_LE(result.ok_items, lie == Lie::kTooMuchPayload ? 1u : 0u);
    EXPECT_EQ(client_->stats().identity_mismatches - before, 1u);
    daemon_.Tell(Lie::kNone);
    EXPECT_EQ(Get().ok_items, kBlocks) << "the next call is not affected";
  }
}

TEST_F(LyingDaemonTest, ABlockSentForEverEndsTheCallAndStaysGood) {
  daemon_.Tell(Lie::kSameBlockForEver);

  const GetResult result = Get();

  EXPECT_EQ(result.outcome, Outcome::kUnavailable);
  EXPECT_EQ(result.ok_items, 1u);
  EXPECT_EQ(result.prefix_items, 1u);
}

TEST_F(LyingDaemonTest, AnImplausibleLookupIsNoHit) {
  for (const Lie lie : {Lie::kLongerPrefix, Lie::kRunsOutOfRange}) {
    daemon_.Tell(lie);

    const LookupResult result = client_->Lookup(LookupOf(ns_, chain_));

    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_EQ(result.prefix_blocks, 0u);
    EXPECT_TRUE(result.runs.empty());
  }
  EXPECT_EQ(client_->stats().identity_mismatches, 2u);
}

TEST_F(LyingDaemonTest, APutAnswerThatLeavesAnItemOutStoresNothing) {
  for (const Lie lie : {Lie::kShortStatus, Lie::kNoAnswer}) {
    daemon_.Tell(lie);
    Buffers buffers(Chain(2, 2));
    buffers.FillWithPayload();

    const PutResult result = client_->Put(PutOf(ns_, buffers));

    EXPECT_EQ(result.outcome, Outcome::kUnavailable);
    EXPECT_EQ(result.stored + result.duplicates, 0u);
  }
}

TEST_F(LyingDaemonTest, AnotherNamespaceIdIsRefused) {
  daemon_.Tell(Lie::kWrongNamespaceId);
  Namespace other = SmallNamespace();
  other.model_name = "other";
  const NamespaceHandle ns = client_->OpenNamespace(other);

  const LookupResult result = client_->Lookup(LookupOf(ns, chain_));

  EXPECT_EQ(result.outcome, Outcome::kUnavailable);
  EXPECT_EQ(client_->stats().identity_mismatches, 1u);
}

TEST_F(LyingDaemonTest, StatusesBecomeOutcomes) {
  const std::map<Lie, std::pair<Outcome, Outcome>> expected = {
      // Get, Put
      {Lie::kForgetsNamespace, {Outcome::kUnavailable, Outcome::kUnavailable}},
      {Lie::kDraining, {Outcome::kUnavailable, Outcome::kUnavailable}},
      {Lie::kNoRoom, {Outcome::kUnavailable, Outcome::kRefused}},
      {Lie::kInvalidArgument, {Outcome::kInvalid, Outcome::kInvalid}},
      {Lie::kDataLoss, {Outcome::kUnavailable, Outcome::kRefused}},
  };
  for (const auto& [lie, outcomes] : expected) {
    daemon_.Tell(lie);
    Buffers buffers(chain_);
    buffers.FillWithPayload();
    EXPECT_EQ(client_->Get(GetOf(ns_, buffers)).outcome, outcomes.first) << static_cast<int>(lie);
    const PutResult put = client_->Put(PutOf(ns_, buffers));
    EXPECT_EQ(put.outcome, outcomes.second) << static_cast<int>(lie);
    for (const PutItem& item : put.items) EXPECT_EQ(item.outcome, outcomes.second);
    daemon_.Tell(Lie::kNone);
    EXPECT_EQ(client_->Lookup(LookupOf(ns_, chain_)).outcome, Outcome::kOk)
        << "closes the count of failures";
  }
}

TEST_F(LyingDaemonTest, ADaemonThatForgotTheNamespaceIsToldOnceAndAskedAgain) {
  ASSERT_EQ(daemon_.opens(), 1);
  daemon_.Forget();

  const LookupResult result = client_->Lookup(LookupOf(ns_, chain_));

  EXPECT_EQ(result.outcome, Outcome::kOk);
  EXPECT_EQ(result.prefix_blocks, 0u);
  EXPECT_EQ(result.miss_reason, "never_seen");
  EXPECT_EQ(daemon_.opens(), 2);
  EXPECT_EQ(daemon_.lookups(), 2);
}

TEST_F(LyingDaemonTest, ADaemonThatAlwaysForgetsIsNotAskedForEver) {
  daemon_.Tell(Lie::kForgetsNamespace);

  EXPECT_EQ(client_->Lookup(LookupOf(ns_, chain_)).outcome, Outcome::kUnavailable);

  EXPECT_EQ(daemon_.opens(), 2);
  EXPECT_EQ(daemon_.lookups(), 2);
}

TEST_F(LyingDaemonTest, APutIsRepeatedFromItsBeginningAfterAReopening) {
  daemon_.Forget();
  Buffers buffers(chain_, 1, kSmallBlock, 3);
  buffers.FillWithPayload();

  EXPECT_EQ(client_->Put(PutOf(ns_, buffers)).stored, kBlocks);

  EXPECT_EQ(Get().ok_items, kBlocks);
}

TEST_F(LyingDaemonTest, NobodyTouchesTheMemoryOfACallThatRanOutOfTime) {
  daemon_.Tell(Lie::kHang);
  for (int i = 0; i < 20; ++i) {
    auto buffers = std::make_unique<Buffers>(chain_);
    buffers->FillWithPayload();
    GetRequest get = GetOf(ns_, *buffers);
    get.budget = std::chrono::milliseconds(1 + i % 5);
    PutRequest put = PutOf(ns_, *buffers);
    put.budget = std::chrono::milliseconds(1 + i % 5);

    EXPECT_NE(client_->Get(std::move(get)).outcome, Outcome::kOk);
    EXPECT_NE(client_->Put(std::move(put)).outcome, Outcome::kOk);
    // A sanitizer reports whoever comes late.
    buffers.reset();
  }
}

TEST_F(LyingDaemonTest, ALeaseGivesItselfBackOnce) {
  LookupRequest request = LookupOf(ns_, chain_);
  request.pin = true;
  {
    LookupResult result = client_->Lookup(request);
    ASSERT_TRUE(static_cast<bool>(result.lease));
    EXPECT_EQ(result.lease.blocks(), kBlocks);
    Lease moved = std::move(result.lease);
    EXPECT_FALSE(static_cast<bool>(result.lease));
    EXPECT_EQ(daemon_.releases(), 0);
  }

  client_->Drain();

  EXPECT_EQ(daemon_.releases(), 1);
}

TEST_F(LyingDaemonTest, ALeaseMayOutliveItsClient) {
  LookupRequest request = LookupOf(ns_, chain_);
  request.pin = true;
  LookupResult result = client_->Lookup(request);
  ASSERT_TRUE(static_cast<bool>(result.lease));

  client_.reset();
  result.lease = Lease();

  EXPECT_EQ(daemon_.releases(), 0) << "it runs out by itself";
}

// An interval that no test waits out: only the question in the background can end it.
TEST_F(LyingDaemonTest, ADaemonThatIsWellAgainGetsCallsBeforeTheBreakersInterval) {
  Options options = Patient(directory_.endpoint());
  options.breaker_failures = 1;
  options.breaker_open = options.breaker_open_max = std::chrono::hours(1);
  const auto client = Client::Open(options);
  const LookupRequest request = LookupOf(client->OpenNamespace(SmallNamespace()), chain_);
  ASSERT_EQ(client->Lookup(request).outcome, Outcome::kOk);
  daemon_.Tell(Lie::kNoRoom);
  ASSERT_EQ(client->Lookup(request).outcome, Outcome::kUnavailable);
  ASSERT_EQ(client->Lookup(request).outcome, Outcome::kUnavailable);
  ASSERT_EQ(client->stats().breaker_rejections, 1u);
  EXPECT_EQ(client->stats().health_probes, 0u) << "not before a pause";

  daemon_.Tell(Lie::kNone);

  while (client->Lookup(request).outcome != Outcome::kOk) {
    client->Healthy(std::chrono::seconds(1));  // something to do meanwhile
  }
  EXPECT_EQ(client->stats().health_probes, 1u);
  EXPECT_EQ(client->stats().timeouts, 0u) << "a question is no call";
}

TEST_F(LyingDaemonTest, AClientEndsWhileItAsksInTheBackground) {
  Options options;
  options.endpoint = directory_.endpoint();
  options.breaker_failures = 1;
  for (int i = 0; i < 6; ++i) {
    const auto client = Client::Open(options);
    const LookupRequest request = LookupOf(client->OpenNamespace(SmallNamespace()), chain_);
    daemon_.Tell(Lie::kNoRoom);
    while (client->stats().breaker_opens == 0) client->Lookup(request);
    const uint64_t wanted = i % 3;
    while (client->stats().health_probes < wanted) client->Lookup(request);
    client->Drain();
  }
}

}  // namespace
}  // namespace halflife::client
