#include "storage/residency/live/request_sample.h"

#include <algorithm>
#include <utility>

namespace halflife {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
// Blocks whose place in the table of known ones is on its way from memory.
constexpr size_t kKnowAhead = 8;

uint32_t SecondOf(int64_t now_ns) { return static_cast<uint32_t>(now_ns / kSecondNs); }

}  // namespace

RequestSample::RequestSample(const Limits& limits) : limits_(limits) {}

void RequestSample::Add(const LookedUp& request) {
  references_.clear();
  for (size_t i = 0; i < request.keys.size(); ++i) {
    const uint64_t block = request.keys[i].Head();
    if (block > sample_limit_) continue;
    references_.push_back({block, /*hit=*/i < request.hit_blocks, /*seen=*/false});
  }
  for (size_t i = 0; i < references_.size(); ++i) {
    if (i + kKnowAhead < references_.size()) known_.prefetch(references_[i + kKnowAhead].block);
    references_[i].seen = Know(references_[i].block, request.now_ns);
  }
  if (known_.size() > limits_.known_blocks) {
    const uint32_t now_s = SecondOf(request.now_ns);
    const uint32_t known_for_s = SecondOf(limits_.known_for_ns);
    absl::erase_if(known_, [&](const auto& block) { return now_s - block.second > known_for_s; });
    while (known_.size() > limits_.known_blocks / 4 * 3) HalveRate();
    std::erase_if(references_, [this](const Reference& at) { return at.block > sample_limit_; });
  }
  Append(request);
  MakeRoom(request.now_ns);
  known_bytes_.store(known_.capacity() * (sizeof(*known_.begin()) + 1), std::memory_order_relaxed);
}

bool RequestSample::Know(uint64_t block, int64_t now_ns) {
  const auto [found, is_new] = known_.try_emplace(block, SecondOf(now_ns));
  found->second = SecondOf(now_ns);
  return !is_new;
}

void RequestSample::Append(const LookedUp& request) {
  MutexLock lock(mutex_);
  const auto chain_blocks = static_cast<uint32_t>(request.keys.size());
  if (!references_.empty()) {
    Request added;
    added.time_ns = request.now_ns;
    added.lookup_blocks_before = kept_.lookup_blocks;
    added.hit_blocks_before = kept_.hit_blocks;
    added.block_bytes = request.block_bytes;
    added.chain_blocks = chain_blocks;
    added.block_tokens = request.block_tokens;
    added.first = static_cast<uint32_t>(open_.references.size());
    added.count = static_cast<uint32_t>(references_.size());
    added.category = request.category;
    added.lost = request.lost;
    open_.requests.push_back(added);
    open_.references.insert(open_.references.end(), references_.begin(), references_.end());
  }
  kept_.lookup_blocks += chain_blocks;
  kept_.hit_blocks += std::min(request.hit_blocks, chain_blocks);
  kept_.taken_ns = request.now_ns;
}

void RequestSample::MakeRoom(int64_t now_ns) {
  size_t requests = 0, references = 0;
  int64_t oldest_ns = now_ns;
  {
    MutexLock lock(mutex_);
    if (open_.requests.size() >= kSegmentRequests ||
        open_.references.size() >= kSegmentReferences) {
      CloseSegment();
    }
    requests = kept_requests_ + open_.requests.size();
    references = kept_references_ + open_.references.size();
    if (!kept_.segments.empty()) oldest_ns = kept_.segments.front()->requests.front().time_ns;
  }
  const bool full = requests > limits_.requests || references > limits_.references;
  if (full && now_ns - oldest_ns < limits_.min_window_ns) {
    HalveRate();
  } else if (full) {
    DropOldest(now_ns);
  } else if (now_ns - oldest_ns > limits_.max_window_ns) {
    DropOldest(now_ns - limits_.max_window_ns);
  }
}

void RequestSample::CloseSegment() {
  kept_requests_ += open_.requests.size();
  kept_references_ += open_.references.size();
  kept_.segments.push_back(std::make_shared<const Segment>(std::exchange(open_, {})));
}

// The oldest segment, if all of it is older.
void RequestSample::DropOldest(int64_t older_than_ns) {
  std::shared_ptr<const Segment> dropped;  // freed without the lock
  MutexLock lock(mutex_);
  if (kept_.segments.empty()) return;
  if (kept_.segments.front()->requests.back().time_ns > older_than_ns) return;
  dropped = std::move(kept_.segments.front());
  kept_.segments.erase(kept_.segments.begin());
  kept_requests_ -= dropped->requests.size();
  kept_references_ -= dropped->references.size();
  kept_.from_start = false;
}

// Every other block leaves the sample.
void RequestSample::HalveRate() {
  Snapshot before = Take();
  if (before.halvings >= kMaxHalvings) return DropOldest(before.taken_ns);
  sample_limit_ /= 2;
  absl::erase_if(known_, [this](const auto& block) { return block.first > sample_limit_; });
  Snapshot thinned = before;
  ++thinned.halvings;
  thinned.segments.clear();
  size_t requests = 0, references = 0;
  for (const auto& segment : before.segments) {
    auto kept = std::make_shared<Segment>();
    for (Request request : segment->requests) {
      const auto first = static_cast<uint32_t>(kept->references.size());
      for (const Reference& at : segment->ReferencesOf(request)) {
        if (at.block <= sample_limit_) kept->references.push_back(at);
      }
      request.first = first;
      request.count = static_cast<uint32_t>(kept->references.size()) - first;
      if (request.count > 0) kept->requests.push_back(request);
    }
    if (kept->requests.empty()) continue;
    requests += kept->requests.size();
    references += kept->references.size();
    thinned.segments.push_back(std::move(kept));
  }
  MutexLock lock(mutex_);
  std::swap(kept_, thinned);
  open_ = {};
  kept_requests_ = requests;
  kept_references_ = references;
}

double RequestSample::Snapshot::MeanBlockBytes() const {
  double bytes = 0, blocks = 0;
  for (const auto& segment : segments) {
    for (const Request& request : segment->requests) {
      bytes += static_cast<double>(request.block_bytes) * request.chain_blocks;
      blocks += request.chain_blocks;
    }
  }
  return blocks > 0 ? bytes / blocks : 0;
}

RequestSample::Snapshot RequestSample::Take() const {
  Segment open;
  Snapshot snapshot;
  {
    MutexLock lock(mutex_);
    snapshot = kept_;
    open = open_;
  }
  if (!open.requests.empty()) {
    snapshot.segments.push_back(std::make_shared<const Segment>(std::move(open)));
  }
  return snapshot;
}

size_t RequestSample::memory_bytes() const {
  MutexLock lock(mutex_);
  return (kept_requests_ + open_.requests.capacity()) * sizeof(Request) +
         (kept_references_ + open_.references.capacity()) * sizeof(Reference) +
         known_bytes_.load(std::memory_order_relaxed);
}

}  // namespace halflife
