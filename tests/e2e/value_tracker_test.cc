#include "tests/e2e/value_tracker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halflife::e2e {
namespace {

using Verdict = ValueTracker::Verdict;
using PutEnd = ValueTracker::PutEnd;

constexpr uint64_t kKey = 17;

std::vector<uint8_t> PayloadOf(uint64_t key, uint64_t generation, size_t size = 4096) {
  std::vector<uint8_t> payload(size);
  FillPayload(key, generation, absl::MakeSpan(payload));
  return payload;
}

uint64_t PutWithEnd(ValueTracker& tracker, uint64_t key, PutEnd end) {
  const uint64_t generation = tracker.BeginPut(key);
  tracker.EndPut(key, generation, end);
  return generation;
}

TEST(ValueTracker, AcceptsWhatWasPut) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kRight);
}

TEST(ValueTracker, AcceptsAPutThatIsStillUnderWay) {
  ValueTracker tracker;
  const uint64_t generation = tracker.BeginPut(kKey);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kRight);
}

TEST(ValueTracker, RejectsEverySingleFlippedBit) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);
  std::vector<uint8_t> payload = PayloadOf(kKey, generation, 64);

  for (size_t bit = 0; bit < payload.size() * 8; ++bit) {
    payload[bit / 8] ^= 1 << bit % 8;
    EXPECT_NE(tracker.CheckRead(kKey, tracker.Now(), payload), Verdict::kRight) << bit;
    payload[bit / 8] ^= 1 << bit % 8;
  }
}

TEST(ValueTracker, RejectsTheBytesOfAnotherKey) {
  ValueTracker tracker;
  PutWithEnd(tracker, kKey, PutEnd::kStored);
  const uint64_t other = PutWithEnd(tracker, kKey + 1, PutEnd::kStored);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey + 1, other)),
            Verdict::kWrongBytes);
}

TEST(ValueTracker, RejectsTwoGenerationsInOnePayload) {
  ValueTracker tracker;
  const uint64_t first = PutWithEnd(tracker, kKey, PutEnd::kStored);
  const uint64_t second = PutWithEnd(tracker, kKey, PutEnd::kStored);
  std::vector<uint8_t> torn = PayloadOf(kKey, first);
  const std::vector<uint8_t> later = PayloadOf(kKey, second);
  std::copy(later.begin() + 2048, later.end(), torn.begin() + 2048);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), torn), Verdict::kWrongBytes);
}

TEST(ValueTracker, RejectsZerosAndShortPayloads) {
  ValueTracker tracker;
  PutWithEnd(tracker, kKey, PutEnd::kStored);

  EXPECT_NE(tracker.CheckRead(kKey, tracker.Now(), std::vector<uint8_t>(4096)), Verdict::kRight);
  EXPECT_NE(tracker.CheckRead(kKey, tracker.Now(), std::vector<uint8_t>(8)), Verdict::kRight);
}

TEST(ValueTracker, RejectsAGenerationThatNobodyPut) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation + 1)),
            Verdict::kNeverPut);
}

TEST(ValueTracker, RejectsBytesOfARefusedOrDuplicatePut) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kNotStored);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)),
            Verdict::kNotStored);
}

TEST(ValueTracker, RejectsAReadThatBeganAfterTheDelete) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);

  tracker.EndDelete(kKey, tracker.Now());

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kDeleted);
}

TEST(ValueTracker, AcceptsAReadThatBeganBeforeTheDeleteEnded) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);
  const auto delete_began = tracker.Now();
  const auto read_began = tracker.Now();

  tracker.EndDelete(kKey, delete_began);

  EXPECT_EQ(tracker.CheckRead(kKey, read_began, PayloadOf(kKey, generation)), Verdict::kRight);
}

TEST(ValueTracker, AcceptsAPutThatOverlapsTheDelete) {
  ValueTracker tracker;
  const uint64_t generation = tracker.BeginPut(kKey);
  const auto delete_began = tracker.Now();
  tracker.EndPut(kKey, generation, PutEnd::kStored);

  tracker.EndDelete(kKey, delete_began);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kRight);
}

TEST(ValueTracker, AcceptsANewPutAfterTheDelete) {
  ValueTracker tracker;
  PutWithEnd(tracker, kKey, PutEnd::kStored);
  tracker.EndDelete(kKey, tracker.Now());

  const uint64_t again = PutWithEnd(tracker, kKey, PutEnd::kStored);

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, again)), Verdict::kRight);
}

TEST(ValueTracker, AcceptsAnUnansweredPutAfterADeleteUntilTheDaemonHasDied) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kUnknown);
  tracker.EndDelete(kKey, tracker.Now());
  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kRight);

  tracker.SettleUnknownPuts();
  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kRight);
  tracker.EndDelete(kKey, tracker.Now());

  EXPECT_EQ(tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation)), Verdict::kDeleted);
}

TEST(ValueTracker, SaysWhichKeyWasWrongAndWhy) {
  ValueTracker tracker;
  const uint64_t generation = PutWithEnd(tracker, kKey, PutEnd::kStored);
  tracker.EndDelete(kKey, tracker.Now());
  tracker.CheckRead(kKey, tracker.Now(), PayloadOf(kKey, generation));

  EXPECT_THAT(tracker.last_complaint(), testing::HasSubstr("deleted, but served: key 17"));
}

}  // namespace
}  // namespace halflife::e2e
