#include "tools/replay/tally.h"

namespace halflife::tools {

void Tally::Add(const Tally& other) {
  for (const auto& [name, from] : other.categories) {
    Category& to = Named(categories, name);
    to.requests += from.requests;
    to.blocks += from.blocks;
    to.dram_hit_blocks += from.dram_hit_blocks;
    to.ssd_hit_blocks += from.ssd_hit_blocks;
    to.got_blocks += from.got_blocks;
  }
  for (const auto& [name, count] : other.miss_reasons) Named(miss_reasons, name) += count;
  for (size_t verb = 0; verb < kVerbs; ++verb) {
    for (size_t i = 0; i < kOutcomes; ++i) calls[verb].outcomes[i] += other.calls[verb].outcomes[i];
    calls[verb].bytes += other.calls[verb].bytes;
    calls[verb].latency_ns.Add(other.calls[verb].latency_ns);
  }
  stored_blocks += other.stored_blocks;
  duplicate_blocks += other.duplicate_blocks;
  refused_blocks += other.refused_blocks;
  verified_blocks += other.verified_blocks;
  wrong_blocks += other.wrong_blocks;
  wrong_bytes += other.wrong_bytes;
  cut_blocks += other.cut_blocks;
  lateness_ns.Add(other.lateness_ns);
}

Tally::Category Tally::Total() const {
  Category total;
  for (const auto& [name, category] : categories) {
    total.requests += category.requests;
    total.blocks += category.blocks;
    total.dram_hit_blocks += category.dram_hit_blocks;
    total.ssd_hit_blocks += category.ssd_hit_blocks;
    total.got_blocks += category.got_blocks;
  }
  return total;
}

uint64_t Tally::OutcomeCount(client::Outcome outcome) const {
  uint64_t count = 0;
  for (const Calls& verb : calls) count += verb.outcomes[static_cast<size_t>(outcome)];
  return count;
}

std::string CategoryName(const std::string& type, uint32_t turn) {
  const char* bucket = "?";
  if (turn >= 6) {
    bucket = "6+";
  } else if (turn >= 3) {
    bucket = "3-5";
  } else if (turn == 2) {
    bucket = "2";
  } else if (turn == 1) {
    bucket = "1";
  }
  return (type.empty() ? "-" : type) + "/" + bucket;
}

}  // namespace halflife::tools
