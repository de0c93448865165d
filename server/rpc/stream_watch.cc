#include "server/rpc/stream_watch.h"

#include <set>
#include <utility>

namespace halflife {

void StreamWatch::Add(std::weak_ptr<WatchedStream> stream) {
  MutexLock lock(mutex_);
  streams_.push_back(std::move(stream));
}

std::vector<std::weak_ptr<WatchedStream>> StreamWatch::Streams() {
  MutexLock lock(mutex_);
  return streams_;
}

void StreamWatch::Scan(int64_t now_ns) {
  std::set<std::weak_ptr<WatchedStream>, std::owner_less<>> ended;
  for (std::weak_ptr<WatchedStream>& weak : Streams()) {
    const std::shared_ptr<WatchedStream> stream = weak.lock();
    if (stream == nullptr || !stream->CheckProgress(now_ns)) ended.insert(std::move(weak));
  }
  if (ended.empty()) return;
  MutexLock lock(mutex_);
  std::erase_if(streams_, [&](const auto& stream) { return ended.contains(stream); });
}

bool StreamWatch::CutSlowest(int64_t before_ns) {
  std::shared_ptr<WatchedStream> slowest;
  int64_t longest_since_ns = 0;
  for (const std::weak_ptr<WatchedStream>& weak : Streams()) {
    std::shared_ptr<WatchedStream> stream = weak.lock();
    const int64_t since_ns = stream == nullptr ? 0 : stream->SendingSinceNanos();
    if (since_ns == 0 || since_ns > before_ns) continue;
    if (slowest != nullptr && since_ns >= longest_since_ns) continue;
    slowest = std::move(stream);
    longest_since_ns = since_ns;
  }
  if (slowest != nullptr) slowest->Cut();
  return slowest != nullptr;
}

}  // namespace halflife
