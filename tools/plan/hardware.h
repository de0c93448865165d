#pragma once

#include <cstdint>

#include "tools/plan/reuse_classes.h"

namespace halflife::tools {

// What a plan assumes of the machine. Defaults are Llama-3-8B in 16 bits on one GPU and prices of a
// large cloud; each is an option of the command, and is printed.
struct Hardware {
  uint64_t token_bytes = uint64_t{128} << 10;  // 32 layers x 8 KV heads x 128 x 2 tensors x 2 bytes
  // Prefill of a token without a prefix; it grows with depth as RecomputeValue says. 44.9 us:
  // LLMServingSim's profile of Llama-3.1-8B on an RTX PRO 6000, 23 ms for 512 tokens.
  double recompute_token_us = 44.9;
  uint64_t dram_read_bytes_per_s = uint64_t{20} << 30;  // to the GPU
  uint64_t ssd_read_bytes_per_s = uint64_t{3} << 30;
  double gpu_usd_per_hour = 2;
  // AWS, as CachedAttention (ATC'24) has them.
  double dram_usd_per_gib_hour = 0.0088;
  double ssd_usd_per_gib_hour = 0.000082;
  uint64_t drive_bytes = uint64_t{3840} * 1000 * 1000 * 1000;
  double drive_writes_per_day = 1;
  double write_amplification = 1.2;

  double block_bytes(uint32_t block_tokens) const {
    return static_cast<double>(token_bytes) * block_tokens;
  }
  double blocks_per_gib(uint32_t block_tokens) const {
    return static_cast<double>(uint64_t{1} << 30) / block_bytes(block_tokens);
  }
  // Of a first block; RecomputeValue times as much deeper.
  double recompute_block_s(uint32_t block_tokens) const {
    return recompute_token_us * 1e-6 * block_tokens;
  }
  double dram_read_block_s(uint32_t block_tokens) const {
    return block_bytes(block_tokens) / static_cast<double>(dram_read_bytes_per_s);
  }
  double ssd_read_block_s(uint32_t block_tokens) const {
    return block_bytes(block_tokens) / static_cast<double>(ssd_read_bytes_per_s);
  }
  // What the drive bears a day, before write amplification.
  double write_budget_bytes_per_day() const {
    return static_cast<double>(drive_bytes) * drive_writes_per_day / write_amplification;
  }
};

}  // namespace halflife::tools
