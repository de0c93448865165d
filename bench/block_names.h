#pragma once

#include <cstdint>
#include <cstring>

#include "client/include/halflife/client.h"

namespace halflife::bench {

inline constexpr uint32_t kChainBlocks = 512;  // of every chain that is put

// Block `index` of the benchmark, in chains of kChainBlocks. Uniform, as digests are.
inline client::Hash HashOfBlock(uint32_t index) {
  client::Hash hash;
  for (uint64_t k = 0; k < 4; ++k) {
    uint64_t word = (uint64_t{index} * 4 + k + 1) * 0x9E3779B97F4A7C15;
    word = (word ^ (word >> 32)) * 0xD6E8FEB86659FD93;
    std::memcpy(hash.data() + 8 * k, &word, 8);
  }
  return hash;
}

// The namespace of the benchmark's blocks of this size.
inline client::Namespace BenchNamespace(size_t block_bytes) {
  client::Namespace ns;
  ns.engine = "bench";
  ns.model_name = "bench-" + std::to_string(block_bytes);
  ns.tokens_per_block = 16;
  ns.block_bytes = block_bytes;
  ns.hash_scheme = client::HashScheme::kOpaque;
  return ns;
}

}  // namespace halflife::bench
