#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "common/block/attributes.h"

namespace halflife {

// What the next block costs in a tier, by the index of a policy: expected hits (or hits' worth) per
// second of keeping a block.
struct TierPrice {
  bool known = false;  // not before something had to go
  double index = 0;    // of what had to go lately: a block below that does not stay
  // Of the blocks that each queue would give up next.
  double lowest_index = 0;
  double highest_index = 0;
};

// Where a block stands with its policy: for people.
struct BlockStanding {
  uint32_t touches = 0;                  // requests that named it, as far as is remembered
  double idle_s = 0;                     // since the last of them
  double mean_gap_s = 0;                 // between them, recent ones first; 0 below two
  Category category = kUnknownCategory;  // of the last of them
  double index = 0;                      // now
  // What a hint said of it since it was touched last.
  bool released = false;
  bool demoted = false;
  double retained_s = 0;  // from now on; 0 = not
  double multiplier = 1;  // of the hazard of reuse, by what the last request was like
  // By tier: is it in there, and how many of its children are: it does not go before them.
  std::array<bool, 2> in_tier{};
  std::array<uint32_t, 2> children{};
  std::array<TierPrice, 2> prices;
  std::array<bool, 2> model_leads{};  // else the order of a tier is recency
  // By tier: if nobody uses it and the price stays, its index falls below that after so long. Not
  // set if there is no price, or it never does.
  std::array<std::optional<double>, 2> worth_keeping_s;
};

}  // namespace halflife
