#pragma once

namespace halflife {

// While it lives: if its thread ends the process by its own doing (a failed assert, a bad access),
// '!' is written at offset 1 of an open file first, so that the next start can tell this from a
// kill that came from outside. The signal then takes its course as without us, core dump included.
//
// For the few seconds in which foreign code may meet damage, not for good: it takes the process's
// handlers of SIGABRT, SIGSEGV, SIGBUS, SIGILL and SIGFPE, and gives them back with the last note.
// One at a time per thread.
class FatalSignalNote {
 public:
  // Borrows `fd`; nothing is written if it is negative.
  explicit FatalSignalNote(int fd);
  ~FatalSignalNote();
  FatalSignalNote(const FatalSignalNote&) = delete;
  FatalSignalNote& operator=(const FatalSignalNote&) = delete;
};

}  // namespace halflife
