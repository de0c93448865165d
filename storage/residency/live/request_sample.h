#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "common/mutex.h"

namespace halflife {

// What was looked up lately, on a hash sample of the blocks: the daemon's own trace, for ceilings
// and for `halflife analyze|plan --live`. A block is in the sample if its stored key, a keyed
// digest, is at most a limit: so the same blocks are in it throughout, and what a cache scaled down
// by the rate does with them is what the whole cache does with all (SHARDS, Waldspurger et al.,
// FAST'15). What is sampled are blocks and not requests: a request shows as the sampled ones of its
// blocks.
//
// Bounded (Limits), about 20 MB where it is full. Everything is sampled until there is too much of
// it. Then the oldest requests go; where what is left would be less than `min_window_ns`, or the
// blocks known are too many, the rate is halved instead. It never rises: whether a block was seen
// before would not be known.
//
// Add from one thread at a time; the rest is thread-safe.
class RequestSample {
 public:
  struct Limits {
    size_t references = size_t{1} << 19;    // 16 bytes each
    size_t requests = size_t{1} << 17;      // 56 bytes each
    size_t known_blocks = size_t{200'000};  // that count as seen before; 18 bytes each
    int64_t min_window_ns = int64_t{1800} * 1'000'000'000;
    int64_t max_window_ns = int64_t{7200} * 1'000'000'000;
    // Blocks that nobody asked for during this time may be forgotten.
    int64_t known_for_ns = int64_t{86'400} * 1'000'000'000;
  };

  // A look-up of one chain.
  struct LookedUp {
    int64_t now_ns = 0;
    Category category = kUnknownCategory;
    absl::Span<const BlockKey> keys;  // of one part
    uint32_t hit_blocks = 0;          // that were here, from the first on
    uint32_t block_tokens = 0;
    uint64_t block_bytes = 0;  // of all parts that were asked for
    // What is missing is so because it was deleted or damaged, or its tier does not serve.
    bool lost = false;
  };
  void Add(const LookedUp& request);

  struct Reference {
    uint64_t block = 0;
    bool hit = false;   // it was here
    bool seen = false;  // it had been looked up before
  };
  struct Request {
    int64_t time_ns = 0;
    // Of all look-ups before this one, sampled or not, since start: what a sample stands for.
    uint64_t lookup_blocks_before = 0;
    uint64_t hit_blocks_before = 0;
    uint64_t block_bytes = 0;
    uint32_t chain_blocks = 0;  // all that it named
    uint32_t block_tokens = 0;
    uint32_t first = 0;  // of its references in the segment
    uint32_t count = 0;
    Category category = kUnknownCategory;
    bool lost = false;
  };
  // A stretch of time. Immutable once it can be seen.
  struct Segment {
    std::vector<Request> requests;
    std::vector<Reference> references;

    absl::Span<const Reference> ReferencesOf(const Request& request) const {
      return absl::MakeConstSpan(references).subspan(request.first, request.count);
    }
  };
  struct Snapshot {
    std::vector<std::shared_ptr<const Segment>> segments;  // oldest first
    int halvings = 0;                                      // the rate is 2^-halvings
    bool from_start = true;      // nothing that was looked up since start is missing
    uint64_t lookup_blocks = 0;  // of all look-ups since start
    uint64_t hit_blocks = 0;
    int64_t taken_ns = 0;  // time of the last look-up

    double MeanBlockBytes() const;
    double rate() const { return 1.0 / static_cast<double>(uint64_t{1} << halvings); }
  };
  Snapshot Take() const;

  size_t memory_bytes() const;

  RequestSample() : RequestSample(Limits()) {}
  explicit RequestSample(const Limits& limits);

 private:
  static constexpr size_t kSegmentRequests = 1024;
  static constexpr size_t kSegmentReferences = 8192;
  static constexpr int kMaxHalvings = 40;

  // Returns whether it was known.
  bool Know(uint64_t block, int64_t now_ns);
  void Append(const LookedUp& request);
  void MakeRoom(int64_t now_ns);
  void DropOldest(int64_t older_than_ns);
  void HalveRate();
  void CloseSegment() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;

  // Of the adding thread.
  uint64_t sample_limit_ = UINT64_MAX;
  absl::flat_hash_map<uint64_t, uint32_t> known_;  // block -> second of its last look-up
  std::vector<Reference> references_;              // of the request that is added
  std::atomic<size_t> known_bytes_{0};

  mutable Mutex mutex_;
  Snapshot kept_ ABSL_GUARDED_BY(mutex_);  // without open_
  Segment open_ ABSL_GUARDED_BY(mutex_);   // the latest, while it is filled
  size_t kept_requests_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t kept_references_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
