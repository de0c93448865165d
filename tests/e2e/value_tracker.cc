#include "tests/e2e/value_tracker.h"

#include <algorithm>

#include "common/check.h"
#include "common/endian.h"
#include "common/strings.h"

namespace halflife::e2e {
namespace {

constexpr size_t kPrologueBytes = 16;

// SplitMix64's finaliser.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

uint64_t StreamSeed(uint64_t key, uint64_t generation) { return Mix(Mix(key) + generation); }

// One multiplication per word, so that making and checking payloads does not become the load of the
// test.
uint64_t StreamWord(uint64_t seed, size_t index) {
  const uint64_t x = (seed + index) * 0x9e3779b97f4a7c15u;
  return x ^ (x >> 32);
}

}  // namespace

void FillPayload(uint64_t key, uint64_t generation, absl::Span<uint8_t> payload) {
  HL_CHECK(payload.size() >= kPrologueBytes && payload.size() % 8 == 0);
  StoreLe64(payload.data(), generation);
  StoreLe64(payload.data() + 8, key);
  const uint64_t seed = StreamSeed(key, generation);
  for (size_t at = kPrologueBytes; at < payload.size(); at += 8) {
    StoreLe64(payload.data() + at, StreamWord(seed, at));
  }
}

namespace {

// Position of the first byte that differs, or the size.
size_t FirstDifference(uint64_t key, uint64_t generation, absl::Span<const uint8_t> payload) {
  if (LoadLe64(payload.data() + 8) != key) return 8;
  const uint64_t seed = StreamSeed(key, generation);
  for (size_t at = kPrologueBytes; at < payload.size(); at += 8) {
    if (LoadLe64(payload.data() + at) != StreamWord(seed, at)) return at;
  }
  return payload.size();
}

}  // namespace

std::string_view VerdictName(ValueTracker::Verdict verdict) {
  switch (verdict) {
    case ValueTracker::Verdict::kRight:
      return "right";
    case ValueTracker::Verdict::kWrongBytes:
      return "wrong bytes";
    case ValueTracker::Verdict::kNeverPut:
      return "never put";
    case ValueTracker::Verdict::kNotStored:
      return "refused, but served";
    case ValueTracker::Verdict::kDeleted:
      return "deleted, but served";
  }
  return "?";
}

ValueTracker::ValueTracker() : shards_(new Shard[kShards]) {}

uint64_t ValueTracker::BeginPut(uint64_t key) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  // Under the lock, so that the generations of a key are in ascending order.
  const uint64_t generation = next_generation_.fetch_add(1) + 1;
  shard.puts[key].push_back(Put{.generation = generation, .began = Now()});
  return generation;
}

void ValueTracker::EndPut(uint64_t key, uint64_t generation, PutEnd end) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  for (Put& put : shard.puts[key]) {
    if (put.generation != generation) continue;
    put.answered = true;
    put.not_stored = end == PutEnd::kNotStored;
    if (end != PutEnd::kUnknown) put.ended = Now();
  }
}

void ValueTracker::SettleUnknownPuts() {
  const Time now = Now();
  for (size_t i = 0; i < kShards; ++i) {
    MutexLock lock(shards_[i].mutex);
    for (auto& [key, puts] : shards_[i].puts) {
      for (Put& put : puts) {
        if (put.answered && put.ended == kNever) put.ended = now;
      }
    }
  }
}

void ValueTracker::EndDelete(uint64_t key, Time began) {
  Shard& shard = ShardOf(key);
  MutexLock lock(shard.mutex);
  const auto puts = shard.puts.find(key);
  if (puts == shard.puts.end()) return;
  const Time ended = Now();
  for (Put& put : puts->second) {
    if (put.ended < began) put.deleted = std::min(put.deleted, ended);
  }
}

ValueTracker::Verdict ValueTracker::CheckRead(uint64_t key, Time began,
                                              absl::Span<const uint8_t> payload) {
  if (payload.size() < kPrologueBytes) return Complain(Verdict::kWrongBytes, "short payload");
  const uint64_t generation = LoadLe64(payload.data());
  const auto name = [&] { return StrCat("key ", key, ", generation ", generation, ": "); };
  if (const size_t at = FirstDifference(key, generation, payload); at < payload.size()) {
    return Complain(Verdict::kWrongBytes,
                    StrCat(name(), "differs from byte ", at, " of ", payload.size(),
                           " on, says it is of key ", LoadLe64(payload.data() + 8)));
  }
  Shard& shard = ShardOf(key);
  Put found;
  {
    MutexLock lock(shard.mutex);
    const std::vector<Put>& puts = shard.puts[key];
    const auto put =
        std::lower_bound(puts.begin(), puts.end(), generation,
                         [](const Put& one, uint64_t wanted) { return one.generation < wanted; });
    if (put != puts.end() && put->generation == generation) found = *put;
  }
  if (found.generation == 0) return Complain(Verdict::kNeverPut, StrCat(name(), "was never put"));
  if (found.not_stored) {
    return Complain(Verdict::kNotStored, StrCat(name(), "its put was answered 'not stored'"));
  }
  if (found.deleted < began) {
    return Complain(Verdict::kDeleted, StrCat(name(), "put ended at ", found.ended, ", deleted by ",
                                              found.deleted, ", read began at ", began));
  }
  return Verdict::kRight;
}

ValueTracker::Verdict ValueTracker::Complain(Verdict verdict, std::string text) {
  MutexLock lock(complaint_mutex_);
  complaint_ = StrCat(VerdictName(verdict), ": ", text);
  return verdict;
}

std::string ValueTracker::last_complaint() const {
  MutexLock lock(complaint_mutex_);
  return complaint_;
}

}  // namespace halflife::e2e
