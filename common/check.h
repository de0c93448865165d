#pragma once

#include <cstdio>
#include <cstdlib>

// Aborts with the place and the condition. For own bugs only: whatever the outside can cause is an
// absl::Status.
#define HL_CHECK(condition)                                                                 \
  do {                                                                                      \
    if (__builtin_expect(!(condition), 0)) {                                                \
      std::fprintf(stderr, "%s:%d: HL_CHECK failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)
