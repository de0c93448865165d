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
  // Clock time since when its peer has not taken what was sent. 0 = it does not wait for a reader.
  virtual int64_t SendingSinceNanos() { return 0; }
  // Breaks off a stream that waits for its reader, and gives back what it has reserved.
  virtual void Cut() {}
};

// Open streams, looked over from time to time: one list instead of a timer per stream. Thread-safe.
class StreamWatch {
 public:
  void Add(std::weak_ptr<WatchedStream> stream);
  // Calls CheckProgress of all streams, without a lock, and forgets those that have ended.
  void Scan(int64_t now_ns);
  // Cuts the stream that has waited longest for its reader, if that is since `before_ns` or longer.
  // False if there is none.
  bool CutSlowest(int64_t before_ns);

 private:
  std::vector<std::weak_ptr<WatchedStream>> Streams();

  Mutex mutex_;
  std::vector<std::weak_ptr<WatchedStream>> streams_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
