#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>

namespace halflife {

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
  virtual ssize_t Read(int fd, const iovec* pieces, int piece_count, uint64_t offset);
  virtual ssize_t Write(int fd, const iovec* pieces, int piece_count, uint64_t offset);
  virtual int Unlink(const char* path);

  static SlotIo& Real();
};

}  // namespace halflife
