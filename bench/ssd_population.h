#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "storage/tiers/dram_arena.h"
#include "storage/tiers/rocks_ssd_tier.h"

namespace halflife::bench {

// What a piece of work took. Processor time of the whole process, RocksDB's and the kernel's
// threads included, without what the benchmark itself needs to make blocks.
struct Cost {
  double seconds = 0;
  double cpu_s = 0;
  uint64_t bytes = 0;  // payload

  double mb_per_s() const { return static_cast<double>(bytes) / seconds / 1e6; }
  double cpu_s_per_gb() const { return cpu_s / (static_cast<double>(bytes) / 1e9); }
  Cost& operator+=(const Cost& other) {
    seconds += other.seconds;
    cpu_s += other.cpu_s;
    bytes += other.bytes;
    return *this;
  }
};

double ProcessCpuSeconds();
// Bytes that this process has sent towards the disk (/proc/self/io).
uint64_t WrittenBytes();
// On the file system, below `path`.
uint64_t BytesUnder(const std::string& path);

// An SSD tier that is full of blocks of one size, and stays so: what is written replaces blocks
// that are picked at random. Exits with a message on any wrong answer.
class SsdPopulation {
 public:
  struct Options {
    std::string directory;
    uint64_t quota_bytes = uint64_t{2} << 30;
    uint32_t block_bytes = 1 << 20;
    size_t batch = 32;
    bool io_uring = true;
    bool huge_pages = true;
  };
  explicit SsdPopulation(const Options& options);

  Cost Fill();
  // Erases and writes `bytes` of blocks, in batches.
  Cost Overwrite(uint64_t bytes);
  // Reads `bytes` of blocks picked at random, in batches, into the arena. The tier verifies them.
  Cost Read(uint64_t bytes);
  // The same requests to the device at the same depth, and nothing else: no index, no checksum.
  Cost ReadUnverified(uint64_t bytes);

  SsdTier::Stats stats() const { return tier_->stats(); }
  uint64_t live_bytes() const { return stored_.size() * uint64_t{options_.block_bytes}; }

 private:
  SsdWrite NextBlock();
  Cost Write(size_t count);
  std::vector<SsdRead> Pick(size_t count);
  size_t BatchOf(uint64_t left_bytes) const;

  const Options options_;
  std::unique_ptr<DramArena> arena_;
  std::unique_ptr<RocksSsdTier> tier_;
  // One block in every slab, so that no slab runs empty and gives its pages back: a daemon's DRAM
  // is full.
  std::vector<BlockBuffer> keepers_;
  std::vector<SsdRead> stored_;
  uint64_t next_number_ = 1;
  std::mt19937_64 random_{1};
};

}  // namespace halflife::bench
