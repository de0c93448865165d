#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/mutex.h"
#include "tools/workload/random.h"

namespace halflife::tools {

// The chains that a benchmark has put, by number. As many at any time: a new one replaces an old
// one, which its writer deletes first, so that a benchmark never holds more of a daemon's memory
// than it was told to. A chain is not replaced while somebody reads it. Thread-safe.
class WorkingSet {
 public:
  explicit WorkingSet(size_t chains) : places_(chains) {}

  size_t size() const { return places_.size(); }

  // A chain picked at random, to be read; none if there is no chain that is there. EndRead after
  // it.
  struct Read {
    size_t place = 0;
    uint64_t chain = 0;
  };
  std::optional<Read> BeginRead(Random& random);
  void EndRead(const Read& read);

  // A chain picked at random that nobody reads, to be replaced by a new one; none if there is no
  // such chain now. `old_chain` is 0 if there was none. EndWrite after it.
  struct Write {
    size_t place = 0;
    uint64_t old_chain = 0;
    uint64_t new_chain = 0;
  };
  std::optional<Write> BeginWrite(Random& random);
  // The next place that has no chain yet; none when all have one.
  std::optional<Write> BeginFill();
  // `stored`: the new chain may be read from now on. Otherwise the place is empty.
  void EndWrite(const Write& write, bool stored);

 private:
  struct Place {
    uint64_t chain = 0;  // 0 = none
    uint32_t readers = 0;
    bool writing = false;
  };

  mutable Mutex mutex_;
  std::vector<Place> places_ ABSL_GUARDED_BY(mutex_);
  size_t filled_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_chain_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife::tools
