#include "storage/residency/model/retention_duel.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

// Of what has been counted, per window: half of it counts after 30 minutes.
const double kKeptPerWindow = std::exp2(-1.0 / 30);
// Requests differ a lot: a long conversation is worth hundreds of blocks, and a lead of some of
// them is luck more often than not. So recency must lead by three standard errors of the sum of the
// differences by request, and by 1 % of the hits. Once it is followed, the model comes back with
// one standard error: it has been the better one nearly everywhere (two traces and their halves,
// 0.5 to 50 % of their unique blocks: at most 0.09 points behind).
constexpr double kErrorsToLeave = 3;
constexpr double kErrorsToReturn = 1;
constexpr double kClearShare = 0.01;
constexpr int kWindowsToLose = 2;

}  // namespace

RetentionDuel::RetentionDuel(const RetentionTable* table)
    : model_(MiniatureCache::Order::kModel, table),
      recency_(MiniatureCache::Order::kRecency, table) {}

void RetentionDuel::SetCapacity(size_t blocks) {
  const double rate = sample_.rate();
  const auto scaled = [&] { return static_cast<double>(blocks) * sample_.rate(); };
  while (scaled() > 2 * kSampleBlocks) sample_.Halve();
  while (scaled() < kSampleBlocks / 2.0 && !sample_.is_whole()) sample_.Double();
  if (sample_.rate() != rate) {
    model_.Clear();
    recency_.Clear();
  }
  const auto capacity = static_cast<size_t>(std::max(1.0, std::round(scaled())));
  model_.set_capacity(capacity);
  recency_.set_capacity(capacity);
}

void RetentionDuel::Serve(absl::Span<const SampledBlock> blocks, int64_t now_ns) {
  if (now_ns >= window_end_ns_) CloseWindow(now_ns);
  if (blocks.empty()) return;
  const double model = model_.Serve(blocks, now_ns);
  const double recency = recency_.Serve(blocks, now_ns);
  model_hits_ += model;
  recency_hits_ += recency;
  for (const SampledBlock& block : blocks) served_ += block.value;
  squared_differences_ += (model - recency) * (model - recency);
}

void RetentionDuel::CloseWindow(int64_t now_ns) {
  window_end_ns_ = now_ns + kWindowNs;
  const double lead = model_leads_ ? recency_hits_ - model_hits_ : model_hits_ - recency_hits_;
  const double errors = model_leads_ ? kErrorsToLeave : kErrorsToReturn;
  const double clear = std::max(errors * std::sqrt(squared_differences_),
                                kClearShare * std::max(model_hits_, recency_hits_));
  windows_lost_ = lead > clear ? windows_lost_ + 1 : 0;
  if (windows_lost_ >= kWindowsToLose) {
    model_leads_ = !model_leads_;
    windows_lost_ = 0;
    ++switches_;
  }
  model_hits_ *= kKeptPerWindow;
  recency_hits_ *= kKeptPerWindow;
  served_ *= kKeptPerWindow;
  squared_differences_ *= kKeptPerWindow;
}

RetentionDuel::Stats RetentionDuel::stats() const {
  return {model_hits_, recency_hits_, served_, switches_, sample_.rate()};
}

}  // namespace halflife
