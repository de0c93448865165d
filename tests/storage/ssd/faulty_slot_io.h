#pragma once

#include <atomic>
#include <cerrno>
#include <climits>

#include "storage/tiers/slot_io.h"

namespace halflife {

// A disk under the slot files whose n-th call fails, once or from then on. Thread-safe.
class FaultySlotIo final : public SlotIo {
 public:
  // Counts from now: the n-th call (0 = the next) fails with `error`, and `times` - 1 calls after
  // it.
  void FailFrom(int nth, int error = EIO, int times = INT_MAX) {
    error_ = error;
    first_ = calls_ + nth;
    last_ = times == INT_MAX ? INT_MAX : first_ + times - 1;
  }
  void Heal() { first_ = INT_MAX; }
  // Only reads, or only calls that change something, fail.
  void FailOnlyReads() { only_reads_ = true; }
  // Only the opening of files fails, and only that counts.
  void FailOnlyOpens() { only_opens_ = true; }
  int calls() const { return calls_; }
  int failed() const { return failed_; }

  int Open(const char* path, int flags, mode_t mode) override {
    return Fails(false, true) ? -error_ : SlotIo::Open(path, flags, mode);
  }
  int Allocate(int fd, uint64_t bytes) override {
    return Fails(false) ? -error_ : SlotIo::Allocate(fd, bytes);
  }
  int BeforeTransfer(const SlotBytes& bytes) override {
    const bool is_read = bytes.kind == SlotBytes::Kind::kRead;
    if (!Fails(is_read)) return 0;
    if (is_read) return -error_;
    // Half of it reaches the disk: a torn write.
    iovec half = bytes.pieces[0];
    half.iov_len = half.iov_len / 2 / 4096 * 4096;
    if (half.iov_len > 0 && ::pwritev(bytes.fd, &half, 1, static_cast<off_t>(bytes.offset)) < 0) {
      return -errno;
    }
    return -error_;
  }
  int Unlink(const char* path) override { return Fails(false) ? -error_ : SlotIo::Unlink(path); }

 private:
  bool Fails(bool read, bool open = false) {
    if ((only_reads_ && !read) || (only_opens_ && !open)) return false;
    const int call = calls_++;
    if (call < first_ || call > last_) return false;
    ++failed_;
    return true;
  }

  std::atomic<int> calls_{0}, failed_{0}, first_{INT_MAX}, last_{INT_MAX}, error_{EIO};
  std::atomic<bool> only_reads_{false}, only_opens_{false};
};

}  // namespace halflife
