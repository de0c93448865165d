#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"
#include "common/mutex.h"

namespace halflife::e2e {

// A payload that tells whose it is: le64 generation, le64 key, then a stream seeded by both. At
// least 16 bytes and a multiple of 8.
void FillPayload(uint64_t key, uint64_t generation, absl::Span<uint8_t> payload);

// Knows what a read of each key may return, from the beginning and the end of every put and delete
// (after CacheLib's ValueTracker). A key is one (block, part); a generation is one attempt to put
// it.
//
// A read may return a generation only if its put had begun before the read ended, if that put was
// not answered with "refused" or "was there already" (the first writer wins, so those bytes never
// went in), and if no delete lies wholly between the end of the put and the beginning of the read.
// A miss is always right; counting them is the caller's business. Time is a counter, so two events
// never coincide. Thread-safe.
class ValueTracker {
 public:
  using Time = uint64_t;

  enum class PutEnd { kStored, kNotStored, kUnknown };
  enum class Verdict { kRight, kWrongBytes, kNeverPut, kNotStored, kDeleted };

  ValueTracker();

  Time Now() { return time_.fetch_add(1) + 1; }

  // The generation whose payload to send.
  uint64_t BeginPut(uint64_t key);
  // kUnknown: no answer, so it may still take effect, until SettleUnknownPuts.
  void EndPut(uint64_t key, uint64_t generation, PutEnd end);
  // Nothing of what was answered before this call can take effect any more: the daemon is dead.
  void SettleUnknownPuts();

  // `began` = Now() before the delete was asked for. Call only if it was answered.
  void EndDelete(uint64_t key, Time began);

  // `began` = Now() before the read was asked for; for a read under a lease, before the lease was.
  Verdict CheckRead(uint64_t key, Time began, absl::Span<const uint8_t> payload);

  // Why the last wrong answer was wrong: "key 17: holds generation 3, deleted at 812, read began at
  // 900".
  std::string last_complaint() const;

 private:
  static constexpr Time kNever = ~Time{0};

  struct Put {
    uint64_t generation = 0;
    Time began = 0;
    Time ended = kNever;    // unknown: kNever
    bool answered = false;  // the caller has its answer, if only "unknown"
    bool not_stored = false;
    Time deleted = kNever;  // end of the first delete that lies behind the put
  };
  struct Shard {
    Mutex mutex;
    std::unordered_map<uint64_t, std::vector<Put>> puts ABSL_GUARDED_BY(mutex);
  };
  static constexpr size_t kShards = 64;

  Shard& ShardOf(uint64_t key) { return shards_[(key * 0x9e3779b97f4a7c15u) >> 58]; }
  Verdict Complain(Verdict verdict, std::string text);

  std::atomic<Time> time_{0};
  std::atomic<uint64_t> next_generation_{0};
  const std::unique_ptr<Shard[]> shards_;

  mutable Mutex complaint_mutex_;
  std::string complaint_ ABSL_GUARDED_BY(complaint_mutex_);
};

std::string_view VerdictName(ValueTracker::Verdict verdict);

}  // namespace halflife::e2e
