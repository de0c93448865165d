#include "storage/residency/request_chains.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "common/check.h"
#include "common/prefetch.h"

namespace halflife {
namespace {

// Calls that come this soon after one another, for blocks of one look-up, are one request: the Gets
// of a long prefix. A later use without a look-up is another one.
constexpr int64_t kSameRequestNs = int64_t{5} * 1000 * 1000 * 1000;
// The same blocks again, this soon after the first of them was used, are still that request: ranks
// of one engine that read one block each on their own. A policy tells no gaps below a second apart
// (HistoryGroupOf).
constexpr int64_t kSameUseNs = int64_t{1000} * 1000 * 1000;

constexpr size_t kMinPlaces = 4096;
constexpr size_t kPlacesAhead = 16;  // on their way from memory

}  // namespace

RequestChains::RequestChains(const Limits& limits) : limits_(limits) {
  HL_CHECK(limits.requests <= kMaxRequests);
}

void RequestChains::LookedUp(const TouchedChain& chain) {
  if (chain.keys.empty() || chain.keys.size() > limits_.blocks) return;
  if (places_.empty()) places_.resize(std::bit_ceil(std::max(2 * limits_.blocks, kMinPlaces)));
  if (IsAskedAgain(chain)) return;
  const uint32_t number = NumberBitsOf(first_request_ + requests_.size());
  Request request;
  request.category = chain.category;
  request.first_depth = chain.first_depth;
  request.block_tokens = chain.block_tokens;
  request.last_call_ns = chain.now_ns;
  request.blocks = chain.keys.size();
  request.keys.assign(chain.keys.begin(), chain.keys.end());
  blocks_ += request.blocks;
  requests_.push_back(std::move(request));
  for (size_t i = 0; i < chain.keys.size(); ++i) {
    if (i + kPlacesAhead < chain.keys.size()) Prefetch(&PlaceOf(chain.keys[i + kPlacesAhead]));
    PlaceOf(chain.keys[i]) = {TagOf(chain.keys[i]), number};
  }
  MakeRoom();
}

bool RequestChains::IsAskedAgain(const TouchedChain& chain) {
  const size_t at = IndexOf(chain.keys.back());
  if (at == requests_.size()) return false;
  // One that is forgotten soon is rather remembered anew.
  if (at < requests_.size() / 2) return false;
  Request& request = requests_[at];
  if (request.first_depth != chain.first_depth) return false;
  if (absl::MakeConstSpan(request.keys) != chain.keys) return false;
  request.category = chain.category;
  request.last_call_ns = chain.now_ns;
  return true;
}

void RequestChains::MakeRoom() {
  while (requests_.size() > limits_.requests || blocks_ > limits_.blocks) {
    blocks_ -= requests_.front().blocks;
    requests_.pop_front();
    ++first_request_;
  }
}

size_t RequestChains::IndexOf(const BlockKey& key) {
  if (places_.empty()) return requests_.size();
  const Place& place = PlaceOf(key);
  const uint32_t at = NumberBitsOf(place.request - first_request_);
  return place.tag == TagOf(key) && at < requests_.size() ? at : requests_.size();
}

RequestChains::Request* RequestChains::Find(const BlockKey& key) {
  const size_t at = IndexOf(key);
  return at < requests_.size() ? &requests_[at] : nullptr;
}

TouchedChain RequestChains::Tell(Request* request, int64_t now_ns) {
  request->last_call_ns = request->told_ns = now_ns;
  told_ = std::exchange(request->keys, {});
  return {.now_ns = now_ns,
          .category = request->category,
          .keys = told_,
          .first_depth = request->first_depth,
          .block_tokens = request->block_tokens};
}

// Whether a use after the request was told is still of it.
bool RequestChains::BelongsTo(Request* request, const TouchedChain& use) {
  if (request->is_over || use.now_ns - request->last_call_ns > kSameRequestNs) return false;
  const uint32_t from = use.first_depth;
  const auto to = static_cast<uint32_t>(from + use.keys.size());
  const bool again = from < request->used_to && request->used_from < to;
  request->is_over = again && use.now_ns - request->told_ns >= kSameUseNs;
  return !request->is_over;
}

TouchedChain RequestChains::Used(const TouchedChain& chain) {
  if (chain.keys.empty()) return {};
  // By its last block: the first ones are shared with other requests.
  Request* const request = Find(chain.keys.back());
  if (request == nullptr) return chain;
  const bool told = request->keys.empty();
  if (told && !BelongsTo(request, chain)) return chain;
  const auto to = static_cast<uint32_t>(chain.first_depth + chain.keys.size());
  const bool first = request->used_from == request->used_to;
  request->used_from = first ? chain.first_depth : std::min(request->used_from, chain.first_depth);
  request->used_to = std::max(request->used_to, to);
  if (!told) return Tell(request, chain.now_ns);
  request->last_call_ns = chain.now_ns;
  return {};
}

std::optional<TouchedChain> RequestChains::Arrived(const BlockKey& key, int64_t now_ns) {
  Request* const request = Find(key);
  if (request == nullptr) return std::nullopt;
  if (!request->keys.empty()) return Tell(request, now_ns);
  if (now_ns - request->last_call_ns > kSameRequestNs) return std::nullopt;
  request->last_call_ns = now_ns;
  return TouchedChain();
}

size_t RequestChains::memory_bytes() const {
  return places_.capacity() * sizeof(Place) + blocks_ * sizeof(BlockKey);
}

}  // namespace halflife
