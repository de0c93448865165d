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

int SlotIo::Unlink(const char* path) { return OrNegativeErrno(::unlink(path)); }

int SlotIo::BeforeTransfer(const SlotBytes& bytes) { return 0; }

ssize_t SlotIo::Transfer(const SlotBytes& bytes) {
  if (const int refused = BeforeTransfer(bytes); refused < 0) return refused;
  const auto offset = static_cast<off_t>(bytes.offset);
  return OrNegativeErrno(bytes.kind == SlotBytes::Kind::kRead
                             ? ::preadv(bytes.fd, bytes.pieces, bytes.piece_count, offset)
                             : ::pwritev(bytes.fd, bytes.pieces, bytes.piece_count, offset));
}

SlotIo& SlotIo::Real() {
  static SlotIo io;
  return io;
}

}  // namespace halflife
