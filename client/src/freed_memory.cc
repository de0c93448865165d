#include "client/src/freed_memory.h"

#include <cstddef>
#include <cstdlib>

namespace halflife::client {
namespace {

// Above the largest slice that gRPC reads into (4 MiB). Its pages are never touched.
constexpr size_t kLargestKept = size_t{8} << 20;

bool FreeOneLargeBlock() {
  // Volatile: an allocation that is not used may be left out by the compiler.
  void* volatile block = std::malloc(kLargestKept);
  std::free(block);
  return true;
}

}  // namespace

void KeepFreedMemory() { [[maybe_unused]] static const bool once = FreeOneLargeBlock(); }

}  // namespace halflife::client
