// What the daemon says of ceilings and causes, from its bounded sample, against the offline figures
// of the simulator on the same requests.

#include "storage/residency/live/hit_ceilings.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "tests/tools/listed_requests.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/simulation.h"
#include "tools/trace/trace_reader.h"
#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

constexpr char kMooncake[] = "../shared/traces/mooncake_conversation.jsonl";
constexpr uint64_t kBlockBytes = 4096;

SimulatedTrace Workload(const char* profile, uint64_t requests) {
  auto source = MakeWorkload(profile, {.requests = requests, .seed = 3});
  return LoadSimulatedTrace(**source).value();
}

// A key as it is stored: its first bytes are uniform.
BlockKey KeyOf(uint32_t block) {
  BlockKey key;
  uint64_t head = (uint64_t{block} + 1) * 0x9e3779b97f4a7c15;
  head = (head ^ (head >> 29)) * 0xbf58476d1ce4e5b9;
  head ^= head >> 32;
  std::memcpy(key.block.data(), &head, sizeof head);
  return key;
}

// What a daemon of recency would have told its sample.
void Feed(const SimulatedTrace& trace, size_t capacity_blocks, RequestSample* sample) {
  const auto recency = MakeLruCache({.trace = &trace, .capacity_blocks = capacity_blocks});
  for (const auto& request : trace.requests) {
    std::vector<BlockKey> keys;
    for (const uint32_t block : trace.BlocksOf(request)) keys.push_back(KeyOf(block));
    const auto hits = static_cast<uint32_t>(recency->Serve(trace.View(request)));
    sample->Add({.now_ns = request.time_ns + 1,
                 .keys = keys,
                 .hit_blocks = hits,
                 .block_tokens = trace.block_tokens,
                 .block_bytes = kBlockBytes});
  }
}

double SimulatedRatio(const SimulatedTrace& trace, std::unique_ptr<SimulatedCache> cache) {
  return Simulate(trace, *cache, false).hit_ratio();
}

HitCeilings Ceilings(const RequestSample& sample, size_t capacity_blocks) {
  return CeilingsOf(sample.Take(), capacity_blocks * kBlockBytes);
}

double SumOfShares(const HitCeilings& ceilings) {
  return ceilings.hit_ratio + ceilings.lost_to_compulsory_ratio + ceilings.lost_to_capacity_ratio +
         ceilings.lost_to_policy_ratio + ceilings.lost_otherwise_ratio;
}

TEST(LiveCeilings, AreThoseOfTheSimulatorWhereNothingWasLeftOut) {
  for (const char* profile : {"chat", "agent", "api"}) {
    const SimulatedTrace trace = Workload(profile, 1500);
    for (const size_t capacity : {trace.block_count() / 50, trace.block_count() / 10}) {
      SCOPED_TRACE(profile);
      const CacheSetup setup{.trace = &trace, .capacity_blocks = capacity};
      RequestSample sample;
      Feed(trace, capacity, &sample);

      const HitCeilings ceilings = Ceilings(sample, capacity);

      EXPECT_EQ(ceilings.sample_rate, 1);
      EXPECT_EQ(ceilings.capacity_blocks, capacity);
      EXPECT_EQ(ceilings.lookup_blocks, trace.references.size());
      EXPECT_EQ(ceilings.sampled_blocks, trace.references.size());
      EXPECT_NEAR(ceilings.hit_ratio, SimulatedRatio(trace, MakeLruCache(setup)), 1e-9);
      EXPECT_NEAR(ceilings.infinite_hit_ratio, SimulatedRatio(trace, MakeInfiniteCache(setup)),
                  1e-9);
      EXPECT_NEAR(ceilings.optimal_hit_ratio, SimulatedRatio(trace, MakeOptimalCache(setup)), 1e-9);
      EXPECT_NEAR(SumOfShares(ceilings), 1, 1e-9);
      EXPECT_GE(ceilings.lost_to_policy_ratio + 1e-9,
                ceilings.optimal_hit_ratio - ceilings.hit_ratio)
          << "the optimum gives up some hits of recency for more others";
    }
  }
}

TEST(LiveCeilings, WhatIsLostIsNamedByItsCause) {
  // Two places. 3 and 4 push 1 out; the optimum would have kept it and passed 4 by.
  const SimulatedTrace trace = TraceOf(Singles({1, 2, 1, 3, 4, 1}));
  RequestSample sample;
  Feed(trace, 2, &sample);

  const HitCeilings ceilings = Ceilings(sample, 2);

  EXPECT_NEAR(ceilings.hit_ratio, 1.0 / 6, 1e-9);
  EXPECT_NEAR(ceilings.lost_to_compulsory_ratio, 4.0 / 6, 1e-9);
  EXPECT_NEAR(ceilings.lost_to_policy_ratio, 1.0 / 6, 1e-9);
  EXPECT_EQ(ceilings.lost_to_capacity_ratio, 0);

  // One place, and both alternate: nobody could do better than keep one of them.
  const SimulatedTrace tight = TraceOf(Singles({1, 2, 1, 2}));
  RequestSample other;
  Feed(tight, 1, &other);

  const HitCeilings of_one = Ceilings(other, 1);

  EXPECT_NEAR(of_one.lost_to_compulsory_ratio, 0.5, 1e-9);
  EXPECT_NEAR(of_one.lost_to_policy_ratio, 0.25, 1e-9);
  EXPECT_NEAR(of_one.lost_to_capacity_ratio, 0.25, 1e-9);
}

TEST(LiveCeilings, WhatWasDeletedIsNobodysFault) {
  const std::vector<BlockKey> keys = {KeyOf(1)};
  RequestSample sample;
  sample.Add({.now_ns = 1, .keys = keys, .block_bytes = kBlockBytes});
  sample.Add({.now_ns = 2, .keys = keys, .block_bytes = kBlockBytes, .lost = true});

  const HitCeilings ceilings = Ceilings(sample, 10);

  EXPECT_EQ(ceilings.lost_to_compulsory_ratio, 0.5);
  EXPECT_EQ(ceilings.lost_otherwise_ratio, 0.5);
}

TEST(LiveCeilings, AnEmptySampleSaysNothing) {
  const HitCeilings ceilings = CeilingsOf({}, kBlockBytes);

  EXPECT_EQ(ceilings.lookup_blocks, 0u);
}

TEST(LiveCeilings, AreWithinAPointOfThemOnASixteenthOfTheBlocks) {
  if (access(kMooncake, R_OK) != 0) GTEST_SKIP() << kMooncake << " is not there: skipped";
  auto reader = TraceReader::Open(kMooncake);
  const SimulatedTrace trace = LoadSimulatedTrace(**reader).value();
  const size_t capacity = trace.block_count() / 20;
  const CacheSetup setup{.trace = &trace, .capacity_blocks = capacity};
  RequestSample sample({.known_blocks = 16'384});
  Feed(trace, capacity, &sample);

  const HitCeilings ceilings = Ceilings(sample, capacity);

  RecordProperty("rate", std::to_string(ceilings.sample_rate));
  RecordProperty("optimal", std::to_string(ceilings.optimal_hit_ratio));
  RecordProperty("infinite", std::to_string(ceilings.infinite_hit_ratio));
  EXPECT_LE(ceilings.sample_rate, 1.0 / 8);
  EXPECT_NEAR(ceilings.hit_ratio, SimulatedRatio(trace, MakeLruCache(setup)), 1e-9);
  EXPECT_NEAR(ceilings.infinite_hit_ratio, SimulatedRatio(trace, MakeInfiniteCache(setup)), 0.01);
  EXPECT_NEAR(ceilings.optimal_hit_ratio, SimulatedRatio(trace, MakeOptimalCache(setup)), 0.01);
  EXPECT_NEAR(SumOfShares(ceilings), 1, 1e-9);
}

TEST(LiveCeilings, CountOnlyTheSecondHalfOnceSomethingWasDropped) {
  const SimulatedTrace trace = Workload("chat", 4000);
  const size_t capacity = trace.block_count() / 10;
  RequestSample sample({.requests = 1500, .min_window_ns = 0});
  Feed(trace, capacity, &sample);

  const HitCeilings ceilings = Ceilings(sample, capacity);

  EXPECT_EQ(ceilings.sample_rate, 1);
  EXPECT_LT(ceilings.lookup_blocks, trace.references.size() / 2);
  EXPECT_GT(ceilings.lookup_blocks, 0u);
  EXPECT_EQ(ceilings.sampled_blocks, ceilings.lookup_blocks);
  EXPECT_GE(ceilings.optimal_hit_ratio, ceilings.hit_ratio);
  EXPECT_LE(ceilings.optimal_hit_ratio, ceilings.infinite_hit_ratio);
  EXPECT_NEAR(SumOfShares(ceilings), 1, 1e-9);
}

}  // namespace
}  // namespace halflife::tools
