#include "storage/residency/live/request_sample.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

// Each request asks for `count` blocks from number `first` on.
void Add(RequestSample& sample, int64_t time_s, uint64_t first, size_t count,
         uint32_t hit_blocks = 0) {
  std::vector<BlockKey> keys;
  for (uint64_t i = 0; i < count; ++i) keys.push_back(KeyOfNumber(first + i));
  sample.Add({.now_ns = time_s * kSecondNs,
              .keys = keys,
              .hit_blocks = hit_blocks,
              .block_tokens = 16,
              .block_bytes = 4096});
}

struct Counts {
  size_t requests = 0;
  size_t references = 0;
};
Counts CountsOf(const RequestSample::Snapshot& snapshot) {
  Counts counts;
  for (const auto& segment : snapshot.segments) {
    counts.requests += segment->requests.size();
    for (const auto& request : segment->requests) counts.references += request.count;
  }
  return counts;
}

TEST(RequestSample, KeepsEverythingWhileThereIsRoom) {
  RequestSample sample;
  Add(sample, 1, 0, 3);
  Add(sample, 2, 0, 5, 3);

  const RequestSample::Snapshot snapshot = sample.Take();

  ASSERT_EQ(snapshot.segments.size(), 1u);
  const RequestSample::Segment& segment = *snapshot.segments[0];
  ASSERT_EQ(segment.requests.size(), 2u);
  const auto& second = segment.requests[1];
  EXPECT_EQ(second.chain_blocks, 5u);
  EXPECT_EQ(second.lookup_blocks_before, 3u);
  EXPECT_EQ(second.block_tokens, 16u);
  const auto references = segment.ReferencesOf(second);
  ASSERT_EQ(references.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(references[i].block, KeyOfNumber(i).Head());
    EXPECT_EQ(references[i].hit, i < 3);
    EXPECT_EQ(references[i].seen, i < 3);
  }
  EXPECT_EQ(snapshot.lookup_blocks, 8u);
  EXPECT_EQ(snapshot.hit_blocks, 3u);
  EXPECT_EQ(snapshot.rate(), 1);
  EXPECT_TRUE(snapshot.from_start);
}

TEST(RequestSample, TooManyBlocksHalveTheRateAndKeepTheSameOnes) {
  RequestSample sample({.known_blocks = 1000});
  for (int i = 0; i < 200; ++i) Add(sample, i, 20 * (i % 100), 20);

  const RequestSample::Snapshot snapshot = sample.Take();

  EXPECT_EQ(snapshot.rate(), 0.5) << "of 2,000 blocks, 1,000 may be known";
  EXPECT_TRUE(snapshot.from_start);
  EXPECT_EQ(snapshot.lookup_blocks, 4000u) << "counted whole";
  uint64_t seen = 0, unseen = 0, highest = 0;
  for (const auto& segment : snapshot.segments) {
    for (const auto& request : segment->requests) {
      for (const auto& at : segment->ReferencesOf(request)) {
        highest = std::max(highest, at.block);
        ++(at.seen ? seen : unseen);
      }
    }
  }
  EXPECT_LE(highest, UINT64_MAX / 2);
  EXPECT_EQ(seen, unseen) << "every block was asked for twice";
  EXPECT_NEAR(static_cast<double>(seen), 1000, 100);
}

TEST(RequestSample, AFullOneDropsTheOldestOnceItCoversEnoughTime) {
  RequestSample sample({.requests = 5000, .min_window_ns = 100 * kSecondNs});
  for (int i = 0; i < 20'000; ++i) Add(sample, i, i % 50, 2);

  const RequestSample::Snapshot snapshot = sample.Take();

  EXPECT_EQ(snapshot.rate(), 1);
  EXPECT_FALSE(snapshot.from_start);
  EXPECT_LE(CountsOf(snapshot).requests, 5001u);
  EXPECT_GT(CountsOf(snapshot).requests, 3000u);
  EXPECT_EQ(snapshot.lookup_blocks, 40'000u);
  EXPECT_GT(snapshot.segments.front()->requests.front().lookup_blocks_before, 0u);
}

TEST(RequestSample, AFullOneOfAShortTimeBecomesCoarser) {
  RequestSample sample({.references = 10'000, .min_window_ns = 3600 * kSecondNs});
  for (int i = 0; i < 3000; ++i) Add(sample, i, 1000 * i, 10);

  const RequestSample::Snapshot snapshot = sample.Take();

  EXPECT_LT(snapshot.rate(), 1);
  EXPECT_TRUE(snapshot.from_start);
  EXPECT_LE(CountsOf(snapshot).references, 10'000u);
  EXPECT_GT(CountsOf(snapshot).references, 3000u);
}

TEST(RequestSample, WhatIsOlderThanTheLongestWindowGoes) {
  RequestSample sample({.max_window_ns = 1000 * kSecondNs});
  for (int i = 0; i < 10'000; ++i) Add(sample, i, i % 50, 2);

  const RequestSample::Snapshot snapshot = sample.Take();

  EXPECT_GE(snapshot.segments.front()->requests.front().time_ns, (9999 - 1000 - 1024) * kSecondNs);
}

TEST(RequestSample, IsBoundedInMemory) {
  RequestSample sample;
  for (int i = 0; i < 40'000; ++i) Add(sample, i / 10, uint64_t{100} * i, 50);

  EXPECT_LT(sample.memory_bytes(), size_t{20} << 20);
  EXPECT_LT(sample.Take().rate(), 1);
}

}  // namespace
}  // namespace halflife
