#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_set.h"
#include "common/mutex.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// Requests on their way from the reader of a trace to the workers, in order, except that two
// requests of a session are never under way at once: an engine does not start a turn before the
// previous one has ended. Bounded. Thread-safe.
class DispatchQueue {
 public:
  struct Item {
    Request request;
    int64_t due_ns = 0;    // 0 in a closed loop
    double elapsed_s = 0;  // in the trace, since its first request
  };

  explicit DispatchQueue(size_t limit) : limit_(limit) {}

  // Waits for room.
  void Push(Item item);
  // No further item comes.
  void Close();
  // The oldest item whose session is free; waits for one. Returns false when closed and empty.
  bool Pop(Item& item);
  // Must follow each Pop, when its request has ended.
  void Done(const Item& item);

 private:
  bool TakeLocked(Item& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t limit_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Item> items_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<uint64_t> busy_sessions_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife::tools
