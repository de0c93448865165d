#include "server/rpc/stream_watch.h"

#include <utility>

namespace halflife {

void StreamWatch::Add(std::weak_ptr<WatchedStream> stream) {
  MutexLock lock(mutex_);
  streams_.push_back(std::move(stream));
}

void StreamWatch::Scan(int64_t now_ns) {
  std::vector<std::weak_ptr<WatchedStream>> streams;
  {
    MutexLock lock(mutex_);
    streams.swap(streams_);
  }
  std::vector<std::weak_ptr<WatchedStream>> open;
  open.reserve(streams.size());
  for (std::weak_ptr<WatchedStream>& weak : streams) {
    const std::shared_ptr<WatchedStream> stream = weak.lock();
    if (stream != nullptr && stream->CheckProgress(now_ns)) open.push_back(std::move(weak));
  }
  MutexLock lock(mutex_);
  streams_.insert(streams_.end(), open.begin(), open.end());
}

}  // namespace halflife
