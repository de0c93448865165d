#include "server/signal_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "common/check.h"
#include "common/clock.h"

namespace halflife {
namespace {

std::atomic<int> exit_code_of_next_stop{0};

void ExitAtOnce(int) { _exit(exit_code_of_next_stop.load(std::memory_order_relaxed)); }

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

int MillisecondsOf(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return -1;
  constexpr absl::Duration kLongest = absl::Hours(1);
  const absl::Duration bounded = duration < absl::ZeroDuration() ? absl::ZeroDuration()
                                 : duration > kLongest           ? kLongest
                                                                 : duration;
  return static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(bounded, absl::Milliseconds(1))));
}

}  // namespace

SignalWatch::SignalWatch() {
  sigset_t set = StopSignals();
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);
  HL_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  signals_ = FileDescriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  requests_ = FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  HL_CHECK(signals_ && requests_);
}

SignalWatch::Event SignalWatch::Wait(absl::Duration timeout) {
  const absl::Duration end = Clock::Real().Now() + timeout;
  while (true) {
    pollfd ready[] = {{.fd = signals_.get(), .events = POLLIN, .revents = 0},
                      {.fd = requests_.get(), .events = POLLIN, .revents = 0}};
    const absl::Duration left = end - Clock::Real().Now();
    poll(ready, 2, MillisecondsOf(left));
    uint64_t requests = 0;
    if (read(requests_.get(), &requests, sizeof requests) == sizeof requests) return Event::kStop;
    signalfd_siginfo signal;
    if (read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
      if (signal.ssi_signo == SIGHUP) return Event::kReload;
      if (signal.ssi_signo == SIGUSR1) return Event::kDescribe;
      return Event::kStop;
    }
    if (Clock::Real().Now() >= end) return Event::kNone;
  }
}

void SignalWatch::RequestStop() {
  const uint64_t one = 1;
  HL_CHECK(write(requests_.get(), &one, sizeof one) == sizeof one || errno == EAGAIN);
}

void SignalWatch::ExitOnNextStop(int exit_code) {
  exit_code_of_next_stop.store(exit_code, std::memory_order_relaxed);
  struct sigaction action {};
  action.sa_handler = &ExitAtOnce;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  const sigset_t set = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace halflife
