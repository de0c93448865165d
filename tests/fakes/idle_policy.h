#pragma once

#include <optional>

#include "storage/residency/residency_policy.h"

namespace halflife {

// Is told of everything and decides nothing, for tests that are about one decision.
class IdlePolicy : public ResidencyPolicy {
 public:
  void OnInsert(Tier, const BlockFacts&) override {}
  void OnTouch(const TouchedChain&) override {}
  void OnRemove(Tier, const BlockKey&) override {}
  std::optional<BlockKey> NextVictim(Tier, int64_t) override { return std::nullopt; }
  void Skip(Tier, const BlockKey&) override {}
  void ClearSkips() override {}
};

}  // namespace halflife
