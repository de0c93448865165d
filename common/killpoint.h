#pragma once

#include <array>
#include <string_view>

namespace halflife {

// Every named kill point of the program. A test enumerates them, kills a process at each and checks
// what is left.
inline constexpr std::array<std::string_view, 23> kKillPoints = {
    "ssd.write.before_payload",
    "ssd.write.after_payload",
    "ssd.write.before_index",
    "ssd.write.after_index",
    "ssd.erase.before_index",
    "ssd.erase.after_index",
    "ssd.file.after_create",
    "ssd.file.before_delete",
    "ssd.namespace.before",
    "ssd.namespace.after",
    "ssd.read.after_io",
    "put.after_seal",
    "put.after_publish",
    "demote.before_write",
    "demote.after_write",
    "demote.after_index",
    "promote.after_read",
    "promote.after_publish",
    "evict.before_erase",
    "evict.after_erase",
    "delete.before",
    "delete.after",
    "drain.middle",
};

constexpr bool IsKillPoint(std::string_view name) {
  for (const std::string_view known : kKillPoints) {
    if (known == name) return true;
  }
  return false;
}

// Raises SIGKILL on this process when the environment variable HALFLIFE_KILLPOINT is "name" or, for
// the n-th hit, "name:n". Does nothing otherwise. Thread-safe. Only reached through HL_KILLPOINT.
void HitKillPoint(std::string_view name);

}  // namespace halflife

// Marks an instant at which a test may kill the process. Compiled to nothing without HL_TEST_HOOKS;
// a name that is not in kKillPoints does not compile.
#ifdef HL_TEST_HOOKS
#define HL_KILLPOINT(name)                                                       \
  do {                                                                           \
    static_assert(::halflife::IsKillPoint(name), "add the name to kKillPoints"); \
    ::halflife::HitKillPoint(name);                                              \
  } while (false)
#else
#define HL_KILLPOINT(name) static_cast<void>(0)
#endif
