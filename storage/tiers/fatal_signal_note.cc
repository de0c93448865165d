#include "storage/tiers/fatal_signal_note.h"

#include <signal.h>
#include <unistd.h>

#include <array>

#include "common/mutex.h"

namespace halflife {
namespace {

constexpr std::array<int, 5> kSignals = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};

constinit thread_local volatile int note_fd = -1;

// Written while the count of notes goes from or to 0, read by the handler in between.
std::array<struct sigaction, kSignals.size()> former_actions;

Mutex mutex;
int notes ABSL_GUARDED_BY(mutex) = 0;

// Only what may be called in a signal handler.
void Note(int signal, siginfo_t* info, void* /*context*/) {
  // A fault is the kernel's, an abort() is sent by a thread to itself; all else came from outside.
  const bool fault = info->si_code > 0;
  const bool own = fault || (info->si_code == SI_TKILL && info->si_pid == ::getpid());
  // If it cannot be written, the death counts as one from outside.
  const ssize_t written = own && note_fd >= 0 ? ::pwrite(note_fd, "!", 1, 1) : 0;
  static_cast<void>(written);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) ::sigaction(signal, &former_actions[i], nullptr);
  }
  // A fault happens again on return; anything else is pending until then.
  if (!fault) ::raise(signal);
}

}  // namespace

FatalSignalNote::FatalSignalNote(int fd) {
  note_fd = fd;
  MutexLock lock(mutex);
  if (notes++ > 0) return;
  struct sigaction action {};
  action.sa_sigaction = &Note;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &former_actions[i]);
    ::sigaction(kSignals[i], &action, nullptr);
  }
}

FatalSignalNote::~FatalSignalNote() {
  note_fd = -1;
  MutexLock lock(mutex);
  if (--notes > 0) return;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &former_actions[i], nullptr);
  }
}

}  // namespace halflife
