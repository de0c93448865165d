#pragma once

#include <cstdint>

#include "storage/residency/recent_offers.h"
#include "storage/residency/residency_policy.h"
#include "storage/residency/score_quantile.h"
#include "storage/residency/sliding_sum.h"
#include "storage/residency/write_budget.h"

namespace halflife {

// Says which blocks that leave DRAM are written to SSD, where the drive's endurance limits how
// much that may be in a day.
//
// Without a budget the policy says it alone. With one, what is offered competes for it by the
// policy's SsdScore: the threshold is the quantile of the scores offered lately above which lies as
// much as the budget pays for, and 0 where it pays for all; a block that is offered again counts
// once (RecentOffers). It gives way while the last minute left some of its share, so that quiet
// times are used. A block goes with those of its ancestors that are not on SSD, heads first, or not
// at all: no block on SSD is ever without its parent there, so that no write is wasted on what no
// prefix reaches.
//
// Pure, like the policy: the same code in the daemon and in the simulator. Used by one thread at a
// time. Borrows the policy.
class SsdAdmission {
 public:
  enum class Rule : uint8_t {
    kScore,
    kHitTwice,  // a block that was hit at least twice: what others do, to compare with
  };
  struct Options {
    uint64_t write_budget_bytes_per_day = 0;  // of the device; 0 = no limit
    Rule rule = Rule::kScore;
  };
  enum class Verdict : uint8_t {
    kAdmitted = 0,
    kCold,    // the policy holds it for not worth its place
    kBudget,  // the budget goes to better ones, or is used up
  };

  SsdAdmission(const Options& options, ResidencyPolicy* policy);

  // Whether writes are limited, so that a block must bring its ancestors.
  bool limited() const { return budget_.limited(); }

  // In this order, for each block that leaves DRAM: is it good enough; if so, may it be written
  // with its ancestors? `write_bytes` is of all of them, `has_room` says that nothing has to go for
  // them. What is admitted has been paid for.
  Verdict Judge(const BlockFacts& block, int64_t now_ns);
  Verdict Admit(const BlockFacts& block, uint64_t write_bytes, bool has_room, int64_t now_ns);
  // No more than this can be admitted now.
  uint64_t AffordableBytes(int64_t now_ns);

  // Bytes that were paid for and not written.
  void Refund(uint64_t bytes);
  // Bytes that were written without asking.
  void Charge(uint64_t bytes, int64_t now_ns) { Spend(DeviceBytes(bytes), now_ns); }
  // How many bytes the device sees for each that is written here.
  void SetWriteAmplification(double amplification);

  struct Stats {
    uint64_t budget_bytes_per_day = 0;  // 0 = no limit
    double budget_used_ratio = 0;       // of the last minute's share
    uint64_t available_bytes = 0;       // that the device may see now
    uint64_t minute_bytes = 0;  // that it saw in the last minute, without what a start books
    uint64_t day_bytes = 0;     // in the last day, up to a quarter of an hour more
    double score_threshold = 0;
    double write_amplification = 1;
  };
  Stats stats(int64_t now_ns);

 private:
  static constexpr int64_t kSecondNs = int64_t{1000} * 1000 * 1000;

  int64_t DeviceBytes(uint64_t bytes) const;
  void Spend(int64_t device_bytes, int64_t now_ns);
  void MoveThreshold(int64_t now_ns);
  bool IsGoodEnough(double score);

  const Options options_;
  ResidencyPolicy* const policy_;
  WriteBudget budget_;
  SlidingSum<60> minute_{kSecondNs};
  SlidingSum<96> day_{15 * 60 * kSecondNs};
  RecentOffers recent_offers_;
  ScoreQuantile offered_;
  double write_amplification_ = 1;
  ScoreQuantile::Threshold threshold_;
  double owed_ = 0;  // admissions at the threshold itself, below 1
  int64_t threshold_due_ns_ = 0;
};

}  // namespace halflife
