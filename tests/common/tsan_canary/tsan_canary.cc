// Plants data races that ThreadSanitizer must report, and one run that it must not: if the
// sanitizer is not there, or the libraries are not instrumented, the tests of the tsan preset prove
// nothing and this one fails.
//   tsan_canary none | own | library

#include <array>
#include <atomic>
#include <cstdio>
#include <string_view>
#include <thread>

#include "common/block/block_header.h"
#include "common/executor.h"
#include "common/mutex.h"

namespace halflife {
namespace {

struct Prey {
  Mutex mutex;
  std::array<uint8_t, kBlockHeaderBytes> bytes{};
  uint64_t number = 0;
  std::atomic<int> arrived{0};
};

// Both threads are past this point before either writes. Relaxed: it orders nothing, so that no
// order hides the race.
void Meet(Prey& prey) {
  prey.arrived.fetch_add(1, std::memory_order_relaxed);
  while (prey.arrived.load(std::memory_order_relaxed) < 2) std::this_thread::yield();
}

void Write(Prey& prey, std::string_view where) {
  BlockHeader header;
  header.payload_bytes = 4096;
  Meet(prey);
  if (where == "own") {
    ++prey.number;
  } else if (where == "library") {
    EncodeBlockHeader(header, absl::MakeSpan(prey.bytes));
  } else {
    MutexLock lock(prey.mutex);
    ++prey.number;
    EncodeBlockHeader(header, absl::MakeSpan(prey.bytes));
  }
}

}  // namespace
}  // namespace halflife

int main(int argc, char** argv) {
  const std::string_view where = argc == 2 ? argv[1] : "";
  if (where != "none" && where != "own" && where != "library") {
    std::fprintf(stderr, "usage: %s none|own|library\n", argv[0]);
    return 2;
  }
  halflife::Prey prey;
  halflife::ThreadPool threads({.name = "canary", .threads = 2});
  for (int thread = 0; thread < 2; ++thread) {
    if (!threads.Submit([&prey, where] { halflife::Write(prey, where); })) return 2;
  }
  threads.Drain();
  std::printf("both have written\n");
  return 0;
}
