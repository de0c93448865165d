#include "client/src/shm_lines.h"

#include <algorithm>
#include <utility>

namespace halflife::client {
namespace {

// The daemon gives a session 16.
constexpr size_t kMaxLines = 16;
constexpr absl::Duration kRetryInterval = absl::Seconds(1);

}  // namespace

std::shared_ptr<ShmLine> ShmLines::Take(const std::string& path, const ShmMemoryRef& memory) {
  std::vector<Idle> dropped;  // closed without the lock
  {
    MutexLock lock(mutex_);
    while (!closed_ && !idle_.empty()) {
      Idle last = std::move(idle_.back());
      idle_.pop_back();
      if (last.memory == memory) {
        out_.push_back(last.line);
        return last.line;
      }
      dropped.push_back(std::move(last));  // of a session that has ended
    }
    if (closed_ || out_.size() >= kMaxLines || clock_->NowNanos() < next_try_ns_) return nullptr;
  }
  absl::StatusOr<std::shared_ptr<ShmLine>> line = ShmLine::Connect(path, memory->session());
  if (line.ok() && Note(*line)) return *std::move(line);
  MutexLock lock(mutex_);
  next_try_ns_ = clock_->NowNanos() + absl::ToInt64Nanoseconds(kRetryInterval);
  return nullptr;
}

bool ShmLines::Note(const std::shared_ptr<ShmLine>& line) {
  MutexLock lock(mutex_);
  if (closed_) return false;
  out_.push_back(line);
  return true;
}

void ShmLines::GiveBack(std::shared_ptr<ShmLine> line, const ShmMemoryRef& memory) {
  MutexLock lock(mutex_);
  out_.erase(std::remove_if(out_.begin(), out_.end(),
                            [&](const std::weak_ptr<ShmLine>& one) {
                              const std::shared_ptr<ShmLine> living = one.lock();
                              return living == nullptr || living == line;
                            }),
             out_.end());
  if (line->usable() && !closed_) idle_.push_back({std::move(line), memory});
}

void ShmLines::Close() {
  std::vector<Idle> idle;
  std::vector<std::shared_ptr<ShmLine>> out;
  {
    MutexLock lock(mutex_);
    closed_ = true;
    idle.swap(idle_);
    for (const std::weak_ptr<ShmLine>& weak : out_) {
      if (auto line = weak.lock()) out.push_back(std::move(line));
    }
  }
  for (const auto& line : out) line->Interrupt();
}

}  // namespace halflife::client
