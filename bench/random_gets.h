#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {

// What Gets took.
struct GetSample {
  double p50_us = 0, p99_us = 0, max_us = 0;
  uint64_t calls = 0;
};

// Several of them.
struct GetSamples {
  std::vector<double> p50_us, p99_us, max_us;
  uint64_t calls = 0;

  void Add(const GetSample& sample) {
    p50_us.push_back(sample.p50_us);
    p99_us.push_back(sample.p99_us);
    max_us.push_back(sample.max_us);
    calls += sample.calls;
  }
};

// Gets of `batch` consecutive blocks, picked at random among the first `blocks`, one call after the
// other. Not thread-safe.
class RandomGets {
 public:
  RandomGets(uint32_t blocks, uint32_t batch, size_t block_bytes)
      : blocks_(blocks), batch_(batch), target_(batch * block_bytes) {}

  // None if a call failed, or did not bring all its blocks.
  std::optional<GetSample> Run(Peer& peer, int64_t time_ns);

 private:
  const uint32_t blocks_, batch_;
  std::vector<uint8_t> target_;
  std::mt19937 random_{11};
};

}  // namespace halflife::bench
