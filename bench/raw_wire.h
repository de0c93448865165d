#pragma once

#include <cstddef>
#include <cstdint>

namespace halflife::bench {

// What limit_server's sockets speak: a request in the machine's own byte order, followed by the
// bytes of a put. The answer is the bytes, or for a put the request's `offset`.
struct RawRequest {
  enum Kind : uint64_t { kGet = 1, kPut = 2 };
  uint64_t kind = kGet;
  uint64_t offset = 0;  // in the server's memory
  uint64_t bytes = 0;
};

// The server's memory: more than any cache holds.
inline constexpr size_t kRawMemoryBytes = size_t{1} << 30;

}  // namespace halflife::bench
