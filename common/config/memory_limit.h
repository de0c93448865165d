#pragma once

#include <cstdint>
#include <string>

namespace halflife {

// Memory that the process may use.
struct MemoryLimit {
  uint64_t bytes = 0;
  std::string source;  // "cgroup v2 /kubepods/pod1", "cgroup v1 …", "physical memory", "assumed"
};

// The smallest of the cgroup's limit (v2 or v1, and those of its parents) and the physical memory.
// Files that cannot be read do not count; if nothing can be read, 1 GiB is assumed. `root` is
// prepended to /proc and /sys, for tests.
MemoryLimit ReadMemoryLimit(const std::string& root = "");

// Memory that is left to everything but blocks: code, RocksDB, frames in flight, the index.
inline constexpr uint64_t kReservedBytes = uint64_t{512} << 20;

// storage.dram.budget: auto. The limit minus kReservedBytes, never more than 70 % of the limit, and
// at least 16 MiB.
uint64_t AutoDramBudget(uint64_t limit_bytes);

}  // namespace halflife
