#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>

namespace halflife {

// Bytes on their way from or to a slot file: what one system call moves.
struct SlotBytes {
  enum class Kind { kRead, kWrite };

  Kind kind = Kind::kRead;
  int fd = -1;
  const iovec* pieces = nullptr;
  int piece_count = 0;
  uint64_t offset = 0;
};

// The system calls that touch slot files: the seam where tests make the n-th call fail. Each call
// returns what the system call returns, or -errno. Thread-safe.
class SlotIo {
 public:
  virtual ~SlotIo() = default;

  virtual int Open(const char* path, int flags, mode_t mode);
  virtual int Close(int fd);
  // Reserves bytes [0, bytes) on the medium, or makes a sparse file where the file system cannot
  // reserve.
  virtual int Allocate(int fd, uint64_t bytes);
  virtual int Unlink(const char* path);
  // Called once before each transfer, whoever makes it: 0, or the -errno that it ends with instead.
  virtual int BeforeTransfer(const SlotBytes& bytes);

  // BeforeTransfer, then the transfer on the calling thread.
  ssize_t Transfer(const SlotBytes& bytes);

  static SlotIo& Real();
};

}  // namespace halflife
