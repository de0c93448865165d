#include "common/histogram.h"

#include <bit>
#include <cmath>

namespace halflife {

int Histogram::BucketOf(uint64_t value) {
  if (value < kSubBuckets) return static_cast<int>(value);
  const int power = std::bit_width(value) - 1;  // >= 3
  const int sub = static_cast<int>(value >> (power - 3)) & (kSubBuckets - 1);
  const int bucket = (power - 2) * kSubBuckets + sub;
  return bucket < kBuckets ? bucket : kBuckets - 1;
}

double Histogram::UpperBound(int bucket) {
  if (bucket < kSubBuckets) return bucket;
  const int power = bucket / kSubBuckets + 2;
  const int sub = bucket % kSubBuckets;
  return std::ldexp(kSubBuckets + sub + 1, power - 3) - 1;
}

void Histogram::Record(uint64_t value, uint64_t times) {
  counts_[BucketOf(value)].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(value * times, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  snapshot.counts.resize(kBuckets);
  for (int i = 0; i < kBuckets; ++i) {
    snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
    snapshot.count += snapshot.counts[i];
  }
  snapshot.sum = static_cast<double>(sum_.load(std::memory_order_relaxed));
  return snapshot;
}

double Histogram::Snapshot::Quantile(double q) const {
  if (count == 0) return 0;
  const double rank = q * static_cast<double>(count);
  uint64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (seen > 0 && static_cast<double>(seen) >= rank) return UpperBound(i);
  }
  return UpperBound(kBuckets - 1);
}

uint64_t Histogram::Snapshot::CountAtMost(double bound) const {
  uint64_t total = 0;
  // A snapshot of nothing has no counts.
  for (size_t i = 0; i < counts.size() && UpperBound(static_cast<int>(i)) <= bound; ++i) {
    total += counts[i];
  }
  return total;
}

void Histogram::Snapshot::Add(const Snapshot& other) {
  if (counts.empty()) counts.resize(kBuckets);
  for (size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
  count += other.count;
  sum += other.sum;
}

}  // namespace halflife
