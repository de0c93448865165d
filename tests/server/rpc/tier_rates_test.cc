#include "server/rpc/tier_rates.h"

#include <gtest/gtest.h>

#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr uint64_t kMiB = 1 << 20;

TEST(TierRates, AreAbsentUntilMeasuredAndThenBytesOverTime) {
  TierRates rates;
  EXPECT_FALSE(rates.Of(Tier::kDram).has_value());

  rates.Add(Tier::kSsd, {.bytes = 0, .busy_ns = kMs}, 0);
  rates.Add(Tier::kSsd, {.bytes = kMiB, .busy_ns = 0}, 0);
  EXPECT_FALSE(rates.Of(Tier::kSsd).has_value()) << "says nothing about a rate";

  rates.Add(Tier::kSsd, {.bytes = 10 * kMiB, .busy_ns = 10 * kMs, .queue_ns = 2 * kMs}, 0);
  EXPECT_EQ(rates.Of(Tier::kSsd)->bytes_per_second, 1000 * kMiB);
  EXPECT_EQ(rates.Of(Tier::kSsd)->queue_us, 2000u);
  EXPECT_FALSE(rates.Of(Tier::kDram).has_value());
}

TEST(TierRates, ASampleCountsHalfAfterAHalfLife) {
  TierRates rates;
  rates.Add(Tier::kDram, {.bytes = 4 * kMiB, .busy_ns = 4 * kMs, .queue_ns = 3 * kMs}, 0);

  rates.Add(Tier::kDram, {.bytes = 8 * kMiB, .busy_ns = 2 * kMs, .queue_ns = 0},
            TierRates::kHalfLifeNs);

  EXPECT_EQ(rates.Of(Tier::kDram)->bytes_per_second, 2500 * kMiB) << "10 MiB in 4 ms";
  EXPECT_EQ(rates.Of(Tier::kDram)->queue_us, 1000u) << "half of 3 ms over one and a half samples";
}

TEST(TierRates, TimeThatStandsStillOrGoesBackIsNoWeight) {
  TierRates rates;
  rates.Add(Tier::kDram, {.bytes = kMiB, .busy_ns = kMs}, 1000);
  rates.Add(Tier::kDram, {.bytes = 3 * kMiB, .busy_ns = kMs}, 0);

  EXPECT_EQ(rates.Of(Tier::kDram)->bytes_per_second, 2000 * kMiB);
}

class MeasuredRates : public RpcFixture {};

TEST_F(MeasuredRates, ALookupTellsHowFastGetsFoundTheSsd) {
  StartServer();
  Open();
  const auto chain = Chain(1, 4);
  ASSERT_EQ(PutChain(chain).response.stored(), 4);
  EXPECT_EQ(Lookup(LookupOf(chain)).second.tier_rates_size(), 0) << "not measured yet";
  for (const BlockHash& hash : chain) store_->MoveToSsd(AddressOf(hash));
  store_->SlowReads(&clock_, absl::Milliseconds(1));

  ASSERT_EQ(Get(GetOf(chain)).blocks.size(), 4);
  const v1::LookupResponse response = Lookup(LookupOf(chain)).second;

  // The clock of this server moves in reads only: 64 KiB to 256 KiB per millisecond, as many
  // blocks as one read was asked for.
  ASSERT_EQ(response.tier_rates_size(), 1);
  EXPECT_EQ(response.tier_rates(0).tier(), v1::TIER_SSD);
  EXPECT_GE(response.tier_rates(0).bytes_per_second(), kBlockBytes * 1000);
  EXPECT_LE(response.tier_rates(0).bytes_per_second(), 4 * kBlockBytes * 1000);
}

}  // namespace
}  // namespace halflife
