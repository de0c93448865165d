#include "storage/residency/ssd_admission.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

// In which the older half of the scores offered counts half. Long against a burst, short against
// the hour in which the mix of a workload changes.
constexpr double kOfferedHalfLifeS = 600;
// A minute that left nearly all of its share lets this much more through than the budget pays for.
constexpr double kMostRelaxed = 10;
constexpr uint32_t kHitsOfRule = 2;
constexpr double kSecondsPerMinute = 60;

}  // namespace

SsdAdmission::SsdAdmission(const Options& options, ResidencyPolicy* policy)
    : options_(options),
      policy_(policy),
      budget_(options.write_budget_bytes_per_day),
      recent_offers_(kOfferedHalfLifeS),
      offered_(kOfferedHalfLifeS) {}

SsdAdmission::Verdict SsdAdmission::Judge(const BlockFacts& block, int64_t now_ns) {
  if (options_.rule == Rule::kHitTwice) {
    return block.hits >= kHitsOfRule ? Verdict::kAdmitted : Verdict::kCold;
  }
  if (!limited()) return Verdict::kAdmitted;
  const double score = policy_->SsdScore(block, now_ns);
  offered_.Add(score, block.bytes * recent_offers_.NewShare(block.key, now_ns), now_ns);
  if (now_ns >= threshold_due_ns_) MoveThreshold(now_ns);
  return IsGoodEnough(score) ? Verdict::kAdmitted : Verdict::kBudget;
}

void SsdAdmission::MoveThreshold(int64_t now_ns) {
  threshold_due_ns_ = now_ns + kSecondNs;
  const auto share_bytes = static_cast<double>(budget_.bytes_per_minute());
  const double used = static_cast<double>(budget_.UsedBytes(now_ns)) / share_bytes;
  const double paid_per_s = share_bytes / (kSecondsPerMinute * write_amplification_);
  const double relaxed = std::min(kMostRelaxed, 1 / std::max(used, 1 / kMostRelaxed));
  threshold_ = offered_.BestShare(relaxed * paid_per_s / offered_.OfferedPerS(now_ns));
}

// Scores may be all alike: of those at the threshold, one in so many.
bool SsdAdmission::IsGoodEnough(double score) {
  switch (ScoreQuantile::PlaceOf(score, threshold_)) {
    case ScoreQuantile::Place::kAbove:
      return true;
    case ScoreQuantile::Place::kBelow:
      return false;
    case ScoreQuantile::Place::kAt:
      break;
  }
  owed_ += threshold_.part;
  if (owed_ < 1) return false;
  owed_ -= 1;
  return true;
}

uint64_t SsdAdmission::AffordableBytes(int64_t now_ns) {
  if (!limited()) return UINT64_MAX;
  return static_cast<uint64_t>(static_cast<double>(budget_.AffordableBytes(now_ns)) /
                               write_amplification_);
}

SsdAdmission::Verdict SsdAdmission::Admit(const BlockFacts& block, uint64_t write_bytes,
                                          bool has_room, int64_t now_ns) {
  const int64_t device_bytes = DeviceBytes(write_bytes);
  // A block above a minute's share goes alone, after a minute that had nothing else.
  const bool alone = write_bytes == block.bytes && budget_.UsedBytes(now_ns) == 0;
  if (device_bytes > budget_.AffordableBytes(now_ns) && !alone) return Verdict::kBudget;
  if (!policy_->AdmitToSsd(block, has_room, now_ns)) return Verdict::kCold;
  Spend(device_bytes, now_ns);
  return Verdict::kAdmitted;
}

void SsdAdmission::Spend(int64_t device_bytes, int64_t now_ns) {
  budget_.Spend(device_bytes, now_ns);
  minute_.Add(device_bytes, now_ns);
  day_.Add(device_bytes, now_ns);
}

void SsdAdmission::Refund(uint64_t bytes) {
  const int64_t device_bytes = DeviceBytes(bytes);
  budget_.Refund(device_bytes);
  minute_.TakeBack(device_bytes);
  day_.TakeBack(device_bytes);
}

void SsdAdmission::SetWriteAmplification(double amplification) {
  write_amplification_ = std::max(1.0, amplification);
}

int64_t SsdAdmission::DeviceBytes(uint64_t bytes) const {
  return std::llround(static_cast<double>(bytes) * write_amplification_);
}

SsdAdmission::Stats SsdAdmission::stats(int64_t now_ns) {
  Stats stats;
  if (!limited()) return stats;
  stats.budget_bytes_per_day = options_.write_budget_bytes_per_day;
  stats.budget_used_ratio = static_cast<double>(budget_.UsedBytes(now_ns)) /
                            static_cast<double>(budget_.bytes_per_minute());
  stats.available_bytes = static_cast<uint64_t>(budget_.AffordableBytes(now_ns));
  stats.minute_bytes = static_cast<uint64_t>(std::max<int64_t>(0, minute_.At(now_ns)));
  stats.day_bytes = static_cast<uint64_t>(std::max<int64_t>(0, day_.At(now_ns)));
  stats.score_threshold = threshold_.score;
  stats.write_amplification = write_amplification_;
  return stats;
}

}  // namespace halflife
