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
// To move a page takes about as long as to bring one into being, and somebody may wait for it.
constexpr uint64_t kGatherCost = 4;

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
  const bool has_work = options_.stock_bytes > 0 || options_.gather_pages;
  if (options_.bytes_per_s == 0 || !has_work) return;
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
  const uint64_t done_bytes = Populate(budget_bytes);
  if (options_.gather_pages && done_bytes < budget_bytes) Gather(budget_bytes - done_bytes);
  return done_bytes;
}

uint64_t ArenaPopulator::Populate(uint64_t budget_bytes) {
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

void ArenaPopulator::Gather(uint64_t budget_bytes) {
  const uint64_t paid_bytes = std::min(owed_bytes_, budget_bytes);
  owed_bytes_ -= paid_bytes;
  if (owed_bytes_ > 0 || paid_bytes == budget_bytes) return;
  const uint64_t bytes = arena_->GatherPages();
  gathered_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  owed_bytes_ = bytes * kGatherCost;
}

}  // namespace halflife
