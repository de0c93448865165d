#include "storage/tiers/slot_rings.h"

#include <liburing.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/strings.h"

namespace halflife {
namespace {

constexpr absl::Duration kLastWait = absl::Seconds(2);

__kernel_timespec ToKernel(absl::Duration duration) {
  const timespec time = absl::ToTimespec(std::max(duration, absl::ZeroDuration()));
  return {time.tv_sec, time.tv_nsec};
}

}  // namespace

// One io_uring and what is on its way through it. Used by whoever took it from the free list.
class SlotRings::Ring {
 public:
  Ring() {
    for (unsigned i = 0; i < kRingTransfers; ++i) free_flights_[i] = kRingTransfers - 1 - i;
  }
  ~Ring() {
    if (open_) io_uring_queue_exit(&ring_);
  }

  // 0, or the -errno of what is not allowed.
  int Open() {
    const int made = io_uring_queue_init(kRingTransfers, &ring_, 0);
    if (made < 0) return made;
    open_ = true;
    // Without it, waiting with a timeout would take entries of the queue (kernel 5.11).
    if ((ring_.features & IORING_FEAT_EXT_ARG) == 0) return -ENOSYS;
    return 0;
  }
  // One request that does nothing: a profile may allow the set-up alone.
  int Try() {
    io_uring_prep_nop(io_uring_get_sqe(&ring_));
    io_uring_cqe* cqe = nullptr;
    int result = io_uring_submit(&ring_);
    if (result >= 0) result = io_uring_wait_cqe(&ring_, &cqe);
    if (result >= 0) io_uring_cqe_seen(&ring_, cqe);
    return result;
  }

  bool full() const { return free_count_ == 0; }
  size_t in_flight() const { return kRingTransfers - free_count_; }

  // Not when full.
  void Prepare(std::unique_ptr<SlotTransfer> transfer, uint64_t session) {
    // As many entries as flights, and each is submitted before the next wait: there is one.
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    const unsigned number = free_flights_[--free_count_];
    Flight& flight = flights_[number];
    flight = {std::move(transfer), session};
    const SlotBytes bytes = flight.transfer->bytes_now();
    const auto count = static_cast<unsigned>(bytes.piece_count);
    if (bytes.kind == SlotBytes::Kind::kRead) {
      io_uring_prep_readv(entry, bytes.fd, bytes.pieces, count, bytes.offset);
    } else {
      io_uring_prep_writev(entry, bytes.fd, bytes.pieces, count, bytes.offset);
    }
    io_uring_sqe_set_data64(entry, number);
  }

  void Submit() {
    // What it could not submit (no memory, queue of completions full) stays for the next call.
    if (io_uring_sq_ready(&ring_) > 0) io_uring_submit(&ring_);
  }

  // Submits, and waits for one completion at least.
  void Wait(absl::Duration timeout) {
    __kernel_timespec time = ToKernel(timeout);
    io_uring_cqe* cqe = nullptr;
    while (io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &time, nullptr) == -EINTR) {
    }
  }

  // Appends what has come back of this session; forgets what has come back of others. Returns how
  // many of those.
  size_t Collect(uint64_t session, std::vector<SlotLane::Ended>* ended) {
    size_t late = 0;
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
      const auto number = static_cast<unsigned>(io_uring_cqe_get_data64(cqe));
      const ssize_t result = cqe->res;
      io_uring_cqe_seen(&ring_, cqe);
      Flight& flight = flights_[number];
      if (flight.session == session) {
        ended->push_back({std::move(flight.transfer), result});
      } else {
        flight.transfer.reset();
        ++late;
      }
      free_flights_[free_count_++] = number;
    }
    return late;
  }

  // At the very end: the device may still write to the header pages of what it has not answered, so
  // they never become anything else. (Their payload is the arena's, which goes as a whole.)
  void KeepHeaderPages() {
    for (Flight& flight : flights_) {
      if (flight.transfer == nullptr) continue;
      for (SlotTransfer::Part& part : flight.transfer->parts()) {
        static_cast<void>(part.header.release());
      }
    }
  }

  uint64_t NextSession() { return ++session_; }

 private:
  struct Flight {
    std::unique_ptr<SlotTransfer> transfer;
    uint64_t session = 0;
  };

  io_uring ring_{};
  bool open_ = false;
  uint64_t session_ = 0;
  std::array<Flight, kRingTransfers> flights_;
  std::array<unsigned, kRingTransfers> free_flights_;
  size_t free_count_ = kRingTransfers;
};

class SlotRings::Lane final : public SlotLane {
 public:
  Lane(SlotRings& rings, Ring* ring)
      : rings_(rings), ring_(ring), session_(ring->NextSession()), others_(ring->in_flight()) {}
  ~Lane() override {
    ring_->Submit();
    rings_.stuck_.fetch_add(ring_->in_flight() - others_, std::memory_order_relaxed);
    rings_.PutBack(ring_);
  }

  bool Start(std::unique_ptr<SlotTransfer>& transfer) override {
    if (ring_->full()) return false;
    if (const int refused = rings_.io_.BeforeTransfer(transfer->bytes_now()); refused < 0) {
      refused_.push_back({std::move(transfer), refused});
    } else {
      ring_->Prepare(std::move(transfer), session_);
    }
    return true;
  }

  void Flush() override { ring_->Submit(); }

  std::vector<Ended> Await(absl::Duration timeout) override {
    std::vector<Ended> ended = std::move(refused_);
    refused_.clear();
    if (!ended.empty()) ring_->Submit();
    size_t late = 0;
    do {  // again if only another lane's came back: at most as often as there are such
      if (ended.empty()) ring_->Wait(timeout);
      late = ring_->Collect(session_, &ended);
      others_ -= late;
      rings_.stuck_.fetch_sub(late, std::memory_order_relaxed);
    } while (ended.empty() && late > 0);
    return ended;
  }

 private:
  SlotRings& rings_;
  Ring* const ring_;
  const uint64_t session_;
  size_t others_;               // of earlier lanes, given up
  std::vector<Ended> refused_;  // that BeforeTransfer ended
};

SlotRings::SlotRings(SlotIo& io) : io_(io) {}

absl::StatusOr<std::unique_ptr<SlotRings>> SlotRings::Create(SlotIo& io, int rings) {
  std::unique_ptr<SlotRings> engine(new SlotRings(io));
  const auto refused = [](int error) {
    return absl::UnavailableError(StrCat("io_uring: ", std::strerror(-error)));
  };
  for (int i = 0; i < rings; ++i) {
    auto ring = std::make_unique<Ring>();
    if (const int error = ring->Open(); error < 0) return refused(error);
    engine->PutBack(ring.get());
    engine->rings_.push_back(std::move(ring));
  }
  if (const int error = engine->rings_.front()->Try(); error < 0) return refused(error);
  return engine;
}

SlotRings::~SlotRings() {
  for (const std::unique_ptr<Ring>& ring : rings_) {
    std::vector<SlotLane::Ended> none;
    do {
      if (ring->in_flight() > 0) ring->Wait(kLastWait);
    } while (ring->Collect(0, &none) > 0);
    ring->KeepHeaderPages();
  }
}

SlotRings::Ring* SlotRings::TakeRing(absl::Duration timeout) {
  MutexLock lock(mutex_);
  while (free_.empty()) {
    // The wake-up of a ring that came back just then may have been this one's.
    if (!ring_free_.WaitFor(mutex_, timeout) && free_.empty()) return nullptr;
  }
  Ring* const ring = free_.back();
  free_.pop_back();
  return ring;
}

void SlotRings::PutBack(Ring* ring) {
  {
    MutexLock lock(mutex_);
    free_.push_back(ring);
  }
  ring_free_.NotifyOne();
}

std::unique_ptr<SlotLane> SlotRings::OpenLane(absl::Duration timeout) {
  Ring* const ring = TakeRing(timeout);
  return ring == nullptr ? nullptr : std::make_unique<Lane>(*this, ring);
}

void SlotRings::Reap() {
  if (stuck_count() == 0) return;
  std::vector<Ring*> idle;
  {
    MutexLock lock(mutex_);
    idle.swap(free_);
  }
  for (Ring* const ring : idle) {
    std::vector<SlotLane::Ended> none;
    stuck_.fetch_sub(ring->Collect(0, &none), std::memory_order_relaxed);
    PutBack(ring);
  }
}

}  // namespace halflife
