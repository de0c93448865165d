#pragma once

namespace halflife {

// Whether code that was compiled with -mavx2 may run here. Not for such code itself, which may not
// even ask.
inline bool HaveAvx2() {
#if defined(__x86_64__)
  static const bool have = __builtin_cpu_supports("avx2") != 0;
  return have;
#else
  return false;
#endif
}

}  // namespace halflife
