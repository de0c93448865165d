#include <gtest/gtest.h>

#include "server/rpc/inflight.h"
#include "server/rpc/serial_pump.h"
#include "server/rpc/stream_watch.h"

namespace halflife {
namespace {

TEST(InFlight, GrantsUpToItsLimitAndTakesBack) {
  InFlight bytes(100);
  std::optional<InFlight::Hold> first = bytes.TryHold(60);
  ASSERT_TRUE(first.has_value());
  EXPECT_TRUE(bytes.TryHold(40).has_value());  // and given back at once
  EXPECT_FALSE(bytes.TryHold(41).has_value());
  EXPECT_FALSE(bytes.TryHold(UINT64_MAX).has_value());
  EXPECT_EQ(bytes.bytes(), 60);
  EXPECT_EQ(bytes.refused(), 2);

  first->Release();
  first->Release();
  EXPECT_EQ(bytes.bytes(), 0);
  EXPECT_TRUE(bytes.WaitUntilEmpty(absl::ZeroDuration()));
}

TEST(InFlight, OneHoldIsGrantedWhateverItsSize) {
  InFlight bytes(100);
  const std::optional<InFlight::Hold> large = bytes.TryHold(1000);
  ASSERT_TRUE(large.has_value());
  EXPECT_FALSE(bytes.TryHold(1).has_value());
  EXPECT_FALSE(bytes.WaitUntilEmpty(absl::ZeroDuration()));
}

TEST(InFlight, SpareBytesAreGrantedOnlyFromTheFirstHalf) {
  InFlight bytes(100);
  const std::optional<InFlight::Hold> first = bytes.TryHold(10);
  EXPECT_FALSE(bytes.TryHoldSpare(41).has_value());
  const std::optional<InFlight::Hold> spare = bytes.TryHoldSpare(40);
  ASSERT_TRUE(spare.has_value());
  EXPECT_FALSE(bytes.TryHoldSpare(1).has_value());
  EXPECT_TRUE(bytes.HasRoom(50));
  EXPECT_FALSE(bytes.HasRoom(51));
  EXPECT_TRUE(bytes.TryHold(50).has_value());
  EXPECT_EQ(bytes.refused(), 0);
}

TEST(InFlight, AMovedHoldIsGivenBackOnce) {
  InFlight bytes(100);
  {
    InFlight::Hold first = *bytes.TryHold(10);
    InFlight::Hold second = std::move(first);
    first = InFlight::Hold();
    EXPECT_EQ(bytes.bytes(), 10);
  }
  EXPECT_EQ(bytes.bytes(), 0);
}

TEST(SerialPump, AStepAskedForWithinAStepComesAfterIt) {
  SerialPump pump;
  std::string order;
  int left = 3;
  std::function<void()> step = [&] {
    order += "(";
    if (--left > 0) pump.Run(step);
    order += ")";
  };

  pump.Run(step);

  EXPECT_EQ(order, "()()()");
}

class CountedStream final : public WatchedStream {
 public:
  explicit CountedStream(int checks) : checks_(checks) {}
  bool CheckProgress(int64_t now_ns) override {
    last_ns = now_ns;
    return --checks_ > 0;
  }
  int64_t last_ns = 0;

 private:
  int checks_;
};

TEST(StreamWatch, LooksAfterStreamsUntilTheyHaveEnded) {
  StreamWatch watch;
  auto ends_soon = std::make_shared<CountedStream>(1);
  auto goes_on = std::make_shared<CountedStream>(100);
  auto is_gone = std::make_shared<CountedStream>(100);
  watch.Add(ends_soon);
  watch.Add(goes_on);
  watch.Add(is_gone);
  is_gone.reset();

  watch.Scan(10);
  watch.Scan(20);

  EXPECT_EQ(ends_soon->last_ns, 10);
  EXPECT_EQ(goes_on->last_ns, 20);
}

class SendingStream final : public WatchedStream {
 public:
  explicit SendingStream(int64_t since_ns) : since_ns_(since_ns) {}
  bool CheckProgress(int64_t) override { return true; }
  int64_t SendingSinceNanos() override { return since_ns_; }
  void Cut() override { since_ns_ = 0; }

 private:
  int64_t since_ns_;
};

TEST(StreamWatch, CutsTheOneThatHasWaitedLongestAndNoneThatHasWaitedLess) {
  StreamWatch watch;
  const auto idle = std::make_shared<SendingStream>(0);
  const auto third = std::make_shared<SendingStream>(31);
  const auto second = std::make_shared<SendingStream>(20);
  const auto first = std::make_shared<SendingStream>(10);
  for (const auto& stream : {idle, third, second, first}) watch.Add(stream);

  EXPECT_TRUE(watch.CutSlowest(30));
  EXPECT_EQ(first->SendingSinceNanos(), 0);
  EXPECT_EQ(second->SendingSinceNanos(), 20);
  EXPECT_TRUE(watch.CutSlowest(30));
  EXPECT_EQ(second->SendingSinceNanos(), 0);
  EXPECT_FALSE(watch.CutSlowest(30));
  EXPECT_EQ(third->SendingSinceNanos(), 31);
}

}  // namespace
}  // namespace halflife
