#include "tools/bench/working_set.h"

namespace halflife::tools {

std::optional<WorkingSet::Read> WorkingSet::BeginRead(Random& random) {
  MutexLock lock(mutex_);
  const size_t start = random.Below(places_.size());
  for (size_t i = 0; i < places_.size(); ++i) {
    const size_t at = (start + i) % places_.size();
    Place& place = places_[at];
    if (place.chain == 0 || place.writing) continue;
    ++place.readers;
    return Read{at, place.chain};
  }
  return std::nullopt;
}

void WorkingSet::EndRead(const Read& read) {
  MutexLock lock(mutex_);
  --places_[read.place].readers;
}

std::optional<WorkingSet::Write> WorkingSet::BeginWrite(Random& random) {
  MutexLock lock(mutex_);
  const size_t start = random.Below(places_.size());
  for (size_t i = 0; i < places_.size(); ++i) {
    const size_t at = (start + i) % places_.size();
    Place& place = places_[at];
    if (place.readers > 0 || place.writing) continue;
    place.writing = true;
    return Write{at, place.chain, ++last_chain_};
  }
  return std::nullopt;
}

std::optional<WorkingSet::Write> WorkingSet::BeginFill() {
  MutexLock lock(mutex_);
  if (filled_ == places_.size()) return std::nullopt;
  places_[filled_].writing = true;
  return Write{filled_++, 0, ++last_chain_};
}

void WorkingSet::EndWrite(const Write& write, bool stored) {
  MutexLock lock(mutex_);
  places_[write.place].chain = stored ? write.new_chain : 0;
  places_[write.place].writing = false;
}

}  // namespace halflife::tools
