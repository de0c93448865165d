#pragma once

#include <cstdint>
#include <string>

namespace halflife::bench {

// What the device can do: fio with direct I/O through io_uring on one file.
struct FioJob {
  std::string file;  // made and filled once if it is not there with this size
  uint64_t file_bytes = 0;
  uint64_t block_bytes = 0;
  int depth = 1;
  bool write = false;        // else read; both at random
  uint64_t moved_bytes = 0;  // per run
};

struct FioResult {
  double mb_per_s = 0;
  double cpu_s_per_gb = 0;
};

// Fills the file, so that fio overwrites and reads what was written before. False, with the reason
// on stderr.
bool PrepareFioFile(const FioJob& job);
// Exits with a message if fio fails: nothing could be compared.
FioResult RunFio(const FioJob& job);

}  // namespace halflife::bench
