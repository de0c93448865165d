#pragma once

namespace halflife {

// Begins to fetch the cache line at `address`, which need not be valid.
inline void Prefetch(const void* address) {
  __builtin_prefetch(address);
  // GCC 12 takes a function that only prefetches for one without effect and drops calls of it.
  asm volatile("" : : "r"(address));
}

}  // namespace halflife
