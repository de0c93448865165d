#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "client/src/shm_line.h"
#include "client/src/shm_memory.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace halflife::client {

// The lines of a client, made when a call wants one and kept for the next. Thread-safe.
class ShmLines {
 public:
  // Borrows `clock`.
  explicit ShmLines(const Clock* clock) : clock_(clock) {}

  // A line of this session, for one call. Null: none is to be had; the call goes by gRPC.
  std::shared_ptr<ShmLine> Take(const std::string& path, const ShmMemoryRef& memory);
  void GiveBack(std::shared_ptr<ShmLine> line, const ShmMemoryRef& memory);
  // Ends the calls that wait; from then on there are no lines.
  void Close();

 private:
  struct Idle {
    std::shared_ptr<ShmLine> line;
    ShmMemoryRef memory;
  };
  // Remembers that it is out.
  bool Note(const std::shared_ptr<ShmLine>& line);

  const Clock* const clock_;

  Mutex mutex_;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<ShmLine>> out_ ABSL_GUARDED_BY(mutex_);
  int64_t next_try_ns_ ABSL_GUARDED_BY(mutex_) = 0;  // after one that could not be made
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife::client
