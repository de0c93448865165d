#include "storage/residency/request_chains.h"

#include <gtest/gtest.h>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

std::vector<BlockKey> Keys(uint64_t first, uint64_t count) {
  std::vector<BlockKey> keys;
  for (uint64_t i = 0; i < count; ++i) keys.push_back(KeyOfNumber(first + i));
  return keys;
}

TouchedChain Chain(absl::Span<const BlockKey> keys, int64_t second = 1) {
  return {.now_ns = second * kSecondNs, .category = 3, .keys = keys, .block_tokens = 16};
}

TEST(RequestChains, TellTheWholeRequestWhenItsFirstPartIsUsed) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 300);
  const absl::Span<const BlockKey> all = keys;
  requests.LookedUp(Chain(all));

  const TouchedChain first = requests.Used(Chain(all.subspan(0, 128), 2));
  EXPECT_EQ(first.keys, all);
  EXPECT_EQ(first.now_ns, 2 * kSecondNs);
  EXPECT_EQ(first.category, 3);
  EXPECT_EQ(first.block_tokens, 16u);

  TouchedChain second = Chain(all.subspan(128, 128), 3);
  second.first_depth = 128;
  EXPECT_TRUE(requests.Used(second).keys.empty());  // told already
  EXPECT_TRUE(requests.Arrived(keys[299], 4 * kSecondNs)->keys.empty());
}

TEST(RequestChains, TellARequestOfWhichNothingWasHereWhenItsFirstBlockArrives) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);
  requests.LookedUp(Chain(keys));

  EXPECT_EQ(requests.Arrived(keys[0], 2 * kSecondNs)->keys, absl::MakeConstSpan(keys));
  EXPECT_TRUE(requests.Arrived(keys[1], 2 * kSecondNs)->keys.empty());
}

TEST(RequestChains, ALookUpAloneIsNoUse) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4), longer = Keys(0, 6);
  requests.LookedUp(Chain(keys));
  requests.LookedUp(Chain(longer));

  EXPECT_EQ(requests.Used(Chain(keys)).keys, absl::MakeConstSpan(longer));
  EXPECT_TRUE(requests.Used(Chain(longer)).keys.empty());
}

TEST(RequestChains, ARequestThatIsAskedForAgainAndAgainPushesNoOtherOut) {
  RequestChains requests({.requests = 8, .blocks = 64});
  const std::vector<BlockKey> other = Keys(100, 4), waiting = Keys(0, 4);
  requests.LookedUp(Chain(other));

  for (int64_t step = 1; step <= 50; ++step) {
    TouchedChain asked = Chain(waiting, step);
    asked.category = static_cast<Category>(step % 2);
    requests.LookedUp(asked);
  }

  EXPECT_EQ(requests.Used(Chain(absl::MakeConstSpan(other).subspan(0, 2), 51)).keys,
            absl::MakeConstSpan(other));
  const TouchedChain told = requests.Used(Chain(absl::MakeConstSpan(waiting).subspan(0, 2), 51));
  EXPECT_EQ(told.keys, absl::MakeConstSpan(waiting));
  EXPECT_EQ(told.category, 0) << "as it was asked for last";
  EXPECT_TRUE(requests.Arrived(waiting[3], 52 * kSecondNs)->keys.empty()) << "one request";
}

TEST(RequestChains, OnceARequestWasUsedTheSameLookUpIsAnotherOne) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);
  requests.LookedUp(Chain(keys, 1));
  requests.Used(Chain(keys, 2));

  requests.LookedUp(Chain(keys, 3));

  EXPECT_EQ(requests.Used(Chain(keys, 3)).keys, absl::MakeConstSpan(keys));
}

TEST(RequestChains, AWaitingRequestThatWouldSoonBeForgottenIsRememberedAnew) {
  RequestChains requests({.requests = 4, .blocks = 64});
  const std::vector<BlockKey> waiting = Keys(0, 4);
  for (uint64_t n = 0; n < 20; ++n) {
    requests.LookedUp(Chain(waiting));
    requests.LookedUp(Chain(Keys(100 + 10 * n, 4)));
  }

  EXPECT_EQ(requests.Used(Chain(absl::MakeConstSpan(waiting).subspan(0, 2))).keys,
            absl::MakeConstSpan(waiting));
}

TEST(RequestChains, ALaterUseWithoutALookUpIsAnotherRequest) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);
  requests.LookedUp(Chain(keys, 1));
  requests.Used(Chain(keys, 2));

  EXPECT_EQ(requests.Used(Chain(keys, 3)).keys, absl::MakeConstSpan(keys));
  EXPECT_EQ(requests.Used(Chain(keys, 4)).keys, absl::MakeConstSpan(keys));
  EXPECT_EQ(requests.Used(Chain(keys, 12)).keys, absl::MakeConstSpan(keys));
}

TEST(RequestChains, RanksThatReadTheSameBlocksAtOnceAreOneUse) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);
  requests.LookedUp(Chain(keys, 1));
  requests.Used(Chain(keys, 2));
  TouchedChain soon = Chain(keys, 3);
  --soon.now_ns;

  EXPECT_TRUE(requests.Used(soon).keys.empty());
}

TEST(RequestChains, OnceSomebodyCameBackEachPieceIsARequestOfItsOwn) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 256);
  const absl::Span<const BlockKey> head = absl::MakeConstSpan(keys).subspan(0, 128);
  TouchedChain tail = Chain(absl::MakeConstSpan(keys).subspan(128), 4);
  tail.first_depth = 128;
  requests.LookedUp(Chain(keys, 1));
  EXPECT_EQ(requests.Used(Chain(head, 2)).keys, absl::MakeConstSpan(keys));
  EXPECT_TRUE(requests.Used(tail).keys.empty()) << "its second piece";

  tail.now_ns = 6 * kSecondNs;
  EXPECT_EQ(requests.Used(tail).keys, tail.keys);
  EXPECT_EQ(requests.Used(Chain(head, 7)).keys, head);
}

TEST(RequestChains, ABlockThatArrivesLongAfterItsLookupIsARequestOfItsOwn) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);
  requests.LookedUp(Chain(keys, 1));
  requests.Used(Chain(keys, 2));

  EXPECT_TRUE(requests.Arrived(keys[3], 7 * kSecondNs).has_value());
  EXPECT_TRUE(requests.Arrived(keys[3], 12 * kSecondNs).has_value()) << "5 s after the one before";
  EXPECT_FALSE(requests.Arrived(keys[3], 18 * kSecondNs).has_value());
}

TEST(RequestChains, WhatWasNotLookedUpIsARequestOfItsOwn) {
  RequestChains requests;
  const std::vector<BlockKey> keys = Keys(0, 4);

  EXPECT_EQ(requests.Used(Chain(keys)).keys, absl::MakeConstSpan(keys));
  EXPECT_FALSE(requests.Arrived(keys[3], kSecondNs).has_value());
  EXPECT_TRUE(requests.Used(TouchedChain()).keys.empty());
}

TEST(RequestChains, ForgetTheOldestAtTheirLimits) {
  RequestChains requests({.requests = 2, .blocks = 10});
  const std::vector<BlockKey> first = Keys(0, 3), second = Keys(100, 3), third = Keys(200, 3);
  requests.LookedUp(Chain(first));
  requests.LookedUp(Chain(second));
  requests.LookedUp(Chain(third));

  EXPECT_FALSE(requests.Arrived(first[0], kSecondNs).has_value());
  EXPECT_FALSE(requests.Arrived(second[0], kSecondNs)->keys.empty());

  const std::vector<BlockKey> large = Keys(300, 8), too_large = Keys(400, 11);
  requests.LookedUp(Chain(large));
  EXPECT_FALSE(requests.Arrived(third[0], kSecondNs).has_value());
  requests.LookedUp(Chain(too_large));
  EXPECT_FALSE(requests.Arrived(large[7], kSecondNs)->keys.empty());
}

// More requests than numbers: 20 bits of them are kept per block.
TEST(RequestChains, OldRequestsStayForgottenWhenNumbersComeRound) {
  constexpr uint64_t kNumbers = uint64_t{1} << 20;
  RequestChains requests({.requests = 4, .blocks = 64});
  const std::vector<BlockKey> old = Keys(0, 1);
  requests.LookedUp(Chain(old));
  // The same few blocks in turn: the place of the old one stays as it is.
  const std::vector<BlockKey> others = Keys(1, 8);
  const absl::Span<const BlockKey> all = others;
  for (uint64_t i = 0; i < kNumbers - 8; ++i) requests.LookedUp(Chain(all.subspan(i % 8, 1)));

  EXPECT_FALSE(requests.Arrived(old[0], kSecondNs).has_value());

  for (uint64_t i = 0; i < 20; ++i) {
    requests.LookedUp(Chain(all.subspan(i % 8, 1)));
    const std::optional<TouchedChain> told = requests.Arrived(others[i % 8], kSecondNs);
    ASSERT_TRUE(told.has_value()) << i;
    EXPECT_EQ(told->keys, all.subspan(i % 8, 1)) << i;
  }
  EXPECT_FALSE(requests.Arrived(others[7], kSecondNs).has_value());
}

}  // namespace
}  // namespace halflife
