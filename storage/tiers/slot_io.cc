#include "storage/tiers/slot_io.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace halflife {
namespace {

template <typename T>
T OrNegativeErrno(T result) {
  return result < 0 ? static_cast<T>(-errno) : result;
}

}  // namespace

int SlotIo::Open(const char* path, int flags, mode_t mode) {
  return OrNegativeErrno(::open(path, flags, mode));
}

int SlotIo::Close(int fd) { return OrNegativeErrno(::close(fd)); }

int SlotIo::Allocate(int fd, uint64_t bytes) {
  const int result = OrNegativeErrno(::fallocate(fd, 0, 0, static_cast<off_t>(bytes)));
  if (result != -EOPNOTSUPP && result != -ENOSYS) return result;
  return OrNegativeErrno(::ftruncate(fd, static_cast<off_t>(bytes)));
}

ssize_t SlotIo::Read(int fd, const iovec* pieces, int piece_count, uint64_t offset) {
  return OrNegativeErrno(::preadv(fd, pieces, piece_count, static_cast<off_t>(offset)));
}

ssize_t SlotIo::Write(int fd, const iovec* pieces, int piece_count, uint64_t offset) {
  return OrNegativeErrno(::pwritev(fd, pieces, piece_count, static_cast<off_t>(offset)));
}

int SlotIo::Unlink(const char* path) { return OrNegativeErrno(::unlink(path)); }

SlotIo& SlotIo::Real() {
  static SlotIo io;
  return io;
}

}  // namespace halflife
