#include "storage/residency/recent_offers.h"

#include <cmath>

namespace halflife {

double RecentOffers::NewShare(const BlockKey& key, int64_t now_ns) {
  if (offers_.empty()) offers_.resize(kPlaces);
  const uint64_t hash = key.Head();
  const uint32_t tag = static_cast<uint32_t>(hash >> 32) | 1;
  const auto step = static_cast<uint32_t>(now_ns >> kStepBits);
  Offer& latest = offers_[hash % kPlaces];
  double share = 1;
  if (latest.tag == tag) {
    const double gap_s = (step - latest.step) * static_cast<double>(1 << kStepBits) / 1e9;
    share = -std::expm1(-gap_s / half_life_s_ * std::log(2.0));
  }
  latest = {tag, step};
  return share;
}

}  // namespace halflife
