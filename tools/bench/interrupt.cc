#include "tools/bench/interrupt.h"

#include <csignal>

namespace halflife::tools {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "it is set in a signal handler");

void SetAll(void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  for (const int signal : kSignals) sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptFlag::InterruptFlag() {
  interrupted = false;
  SetAll([](int /*signal*/) { interrupted = true; }, SA_RESETHAND | SA_RESTART);
}

InterruptFlag::~InterruptFlag() { SetAll(SIG_DFL, 0); }

const std::atomic<bool>& InterruptFlag::flag() const { return interrupted; }

}  // namespace halflife::tools
