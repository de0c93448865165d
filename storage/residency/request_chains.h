#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "storage/residency/residency_policy.h"

namespace halflife {

// Puts a request together again from the calls in which it reaches a store: a Lookup of its whole
// chain, Gets of up to 128 blocks of what is here, Puts of what is not. A ResidencyPolicy is told
// of the request once, with its whole chain, when the first of its blocks is used or arrives: a
// look-up alone is no use. What was not looked up before is a request of its own, and so is every
// later use of blocks that the look-up's request has had already: who reads on without asking first
// uses them each time.
//
// A block leads to the request that looked it up last, through a table in which later ones replace
// earlier ones. So it is bounded, and a request is sometimes told in pieces: a policy then learns a
// little less well. 11 MB at most. Not thread-safe.
class RequestChains {
 public:
  struct Limits {
    size_t requests = 4096;
    size_t blocks = size_t{1} << 18;  // over all requests
  };

  RequestChains() : RequestChains(Limits()) {}
  // Requires limits.requests <= kMaxRequests.
  explicit RequestChains(const Limits& limits);

  // Each call names blocks of one chain, first block first.
  void LookedUp(const TouchedChain& chain);
  // Blocks were served; `chain` may go on behind them. Returns what the policy is to be told:
  // without keys if that has been done. Valid until the next call.
  TouchedChain Used(const TouchedChain& chain);
  // As Used, of a block that is put. nullopt if no look-up of late named it: then it is a request
  // of its own, and the caller has to tell the policy.
  std::optional<TouchedChain> Arrived(const BlockKey& key, int64_t now_ns);

  size_t memory_bytes() const;

 private:
  struct Request {
    Category category = kUnknownCategory;
    uint32_t first_depth = 0;
    uint32_t block_tokens = 0;
    int64_t last_call_ns = 0;
    size_t blocks = 0;
    std::vector<BlockKey> keys;  // empty once told
    int64_t told_ns = 0;
    uint32_t used_from = 0, used_to = 0;  // depths that were used, as one stretch
    bool is_over = false;                 // somebody came back for blocks of it
  };
  static constexpr int kTagBits = 12;
  static constexpr int kNumberBits = 20;
  static constexpr size_t kMaxRequests = size_t{1} << (kNumberBits - 1);
  // Which request looked a block up last. Found by the block's low bits: another block may have
  // taken its place, and passes for this one once in 4096 times.
  struct Place {
    uint32_t tag : kTagBits = 0;         // the block's high bits
    uint32_t request : kNumberBits = 0;  // of its number: those of requests that are known differ
  };
  static_assert(sizeof(Place) == 4);

  Place& PlaceOf(const BlockKey& key) { return places_[key.Head() & (places_.size() - 1)]; }
  static uint32_t TagOf(const BlockKey& key) {
    return static_cast<uint32_t>(key.Head() >> (64 - kTagBits));
  }
  static uint32_t NumberBitsOf(uint64_t number) {
    return static_cast<uint32_t>(number & ((uint64_t{1} << kNumberBits) - 1));
  }
  // Where in requests_ the one is that looked this block up last; requests_.size() = not known.
  size_t IndexOf(const BlockKey& key);
  Request* Find(const BlockKey& key);
  // Of a request that was looked up and waits since: engines ask for it in every step.
  bool IsAskedAgain(const TouchedChain& chain);
  TouchedChain Tell(Request* request, int64_t now_ns);
  static bool BelongsTo(Request* request, const TouchedChain& use);
  void MakeRoom();

  const Limits limits_;
  std::vector<Place> places_;     // a power of two
  std::deque<Request> requests_;  // oldest first
  uint64_t first_request_ = 1;    // number of requests_.front(): they are counted from 1
  size_t blocks_ = 0;
  std::vector<BlockKey> told_;  // what Tell answered last
};

}  // namespace halflife
