#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/mutex.h"

namespace halflife {

// A stream that must make progress or end.
class WatchedStream {
 public:
  virtual ~WatchedStream() = default;
  // Ends the stream if its peer has stalled or its deadline is over at `now_ns`. Returns false once
  // it has ended and needs no more looking after.
  virtual bool CheckProgress(int64_t now_ns) = 0;
};

// Open streams, looked over from time to time: one list instead of a timer per stream. Thread-safe.
class StreamWatch {
 public:
  void Add(std::weak_ptr<WatchedStream> stream);
  // Calls CheckProgress of all streams, without a lock, and forgets those that have ended.
  void Scan(int64_t now_ns);

 private:
  Mutex mutex_;
  std::vector<std::weak_ptr<WatchedStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
