#include "storage/tiers/dram_populator.h"

#include <sys/resource.h>

#include <algorithm>

namespace halflife {
namespace {

constexpr absl::Duration kInterval = absl::Milliseconds(20);
// One system call: others who need the process's page tables wait at most for this, about 2 ms.
constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr uint64_t kPageBytes = 4096;
constexpr int kLowestPriority = 19;

// Of the calling thread only (Linux). It gets what nobody else wants; refused, it is one among
// others.
void BecomeUnimportant() {
  static thread_local const int result = setpriority(PRIO_PROCESS, 0, kLowestPriority);
  static_cast<void>(result);
}

}  // namespace

ArenaPopulator::ArenaPopulator(const Options& options, DramArena* arena)
    : options_(options), arena_(arena) {}

ArenaPopulator::~ArenaPopulator() {
  if (thread_ != nullptr) thread_->Stop();
}

void ArenaPopulator::Start() {
  if (options_.stock_bytes == 0 || options_.bytes_per_s == 0) return;
  thread_ = std::make_unique<PeriodicTask>("hl-populate", kInterval, [this] {
    BecomeUnimportant();
    Step();
    return false;
  });
}

uint64_t ArenaPopulator::Step() {
  const auto share = static_cast<uint64_t>(static_cast<double>(options_.bytes_per_s) *
                                           absl::ToDoubleSeconds(kInterval));
  const uint64_t budget_bytes = std::max(share, kPageBytes) / kPageBytes * kPageBytes;
  uint64_t done_bytes = 0;
  while (done_bytes < budget_bytes) {
    const bool begins = !slot_;
    if (begins) slot_ = arena_->TakeToPopulate(options_.stock_bytes);
    if (!slot_) break;
    const uint64_t bytes = slot_.Step(std::min(budget_bytes - done_bytes, kPieceBytes));
    done_bytes += bytes;
    if (bytes > 0) continue;
    slot_ = DramArena::Populating();
    if (begins) break;  // no memory: the next step asks again
  }
  populated_bytes_.fetch_add(done_bytes, std::memory_order_relaxed);
  return done_bytes;
}

}  // namespace halflife
