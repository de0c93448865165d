#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace halflife {

// How much a block is worth keeping: the lowest goes first, of equals that with the lower
// `tie_break`.
struct RetentionRank {
  double value = 0;
  int64_t tie_break = 0;

  friend bool operator==(const RetentionRank&, const RetentionRank&) = default;
  friend bool operator<(const RetentionRank& a, const RetentionRank& b) {
    return a.value != b.value ? a.value < b.value : a.tie_break < b.tie_break;
  }
};

// A block's place in a queue; 0 = no neighbour.
struct QueueLink {
  uint32_t prev = 0;
  uint32_t next = 0;
};

// Queues of blocks, each in the order in which its blocks go, and the lowest ranked of their
// fronts. Blocks are numbered from 1. Ranks are taken as of one moment per second and compared in a
// heap that is repaired where a front has changed: an eviction costs O(log queues), and no list
// over all blocks is needed (per-category queues whose heads alone are compared: arXiv 2506.02634).
//
// `Blocks` says what a number stands for:
//   QueueLink& link(uint32_t n);
//   RetentionRank RankOf(uint32_t n, int64_t at_ns);
//   bool MustStay(uint32_t n);   a front that may not go …
//   void Park(uint32_t n);       … is taken out, and this says so to its owner
// Not thread-safe. Borrows `blocks`.
template <typename Blocks>
class RankedQueues {
 public:
  RankedQueues(Blocks* blocks, int queues) : blocks_(blocks), lists_(queues) {}

  void PushBack(uint32_t n, int queue) { InsertBefore(n, 0, queue); }
  void PushFront(uint32_t n, int queue) { InsertBefore(n, lists_[queue].front, queue); }

  void InsertBefore(uint32_t n, uint32_t next, int queue) {
    List& list = lists_[queue];
    QueueLink& link = blocks_->link(n);
    link.next = next;
    link.prev = next == 0 ? list.back : blocks_->link(next).prev;
    (link.prev == 0 ? list.front : blocks_->link(link.prev).next) = n;
    (next == 0 ? list.back : blocks_->link(next).prev) = n;
    if (link.prev == 0) FrontChanged(queue);
  }

  void Remove(uint32_t n, int queue) {
    List& list = lists_[queue];
    QueueLink& link = blocks_->link(n);
    (link.prev == 0 ? list.front : blocks_->link(link.prev).next) = link.next;
    (link.next == 0 ? list.back : blocks_->link(link.next).prev) = link.prev;
    link = {};
  }

  int count() const { return static_cast<int>(lists_.size()); }
  uint32_t front(int queue) const { return lists_[queue].front; }
  uint32_t back(int queue) const { return lists_[queue].back; }

  // The block to give up next, which stays in its queue; 0 if there is none that may go.
  uint32_t Lowest(int64_t now_ns) {
    if (stale_ || now_ns - ranked_at_ns_ >= kRankPeriodNs || candidates_.size() > Limit()) {
      Rebuild(now_ns);
    } else {
      for (const uint32_t queue : changed_) Offer(queue);
    }
    for (const uint32_t queue : changed_) lists_[queue].changed = false;
    changed_.clear();
    while (!candidates_.empty()) {
      const Candidate top = candidates_.front();
      List& list = lists_[top.queue];
      while (list.front != 0 && blocks_->MustStay(list.front)) {
        const uint32_t parked = list.front;
        Remove(parked, static_cast<int>(top.queue));
        blocks_->Park(parked);
      }
      if (list.front == top.block && blocks_->RankOf(top.block, ranked_at_ns_) == top.rank) {
        return top.block;
      }
      std::pop_heap(candidates_.begin(), candidates_.end(), GoesLater);
      candidates_.pop_back();
      Offer(top.queue);
    }
    return 0;
  }

  // What RankOf answers has changed.
  void RanksChanged() { stale_ = true; }

 private:
  static constexpr int64_t kRankPeriodNs = int64_t{1000} * 1000 * 1000;

  struct List {
    uint32_t front = 0;
    uint32_t back = 0;
    bool changed = false;  // its front is to be offered as a candidate
  };
  struct Candidate {
    RetentionRank rank;
    uint32_t queue = 0;
    uint32_t block = 0;
  };
  static bool GoesLater(const Candidate& a, const Candidate& b) { return b.rank < a.rank; }

  size_t Limit() const { return 8 * lists_.size() + 1024; }

  // A chain that is put changes the front of its queue with every block: it is ranked once.
  void FrontChanged(int queue) {
    if (lists_[queue].changed) return;
    lists_[queue].changed = true;
    changed_.push_back(static_cast<uint32_t>(queue));
  }

  void Offer(uint32_t queue) {
    const uint32_t n = lists_[queue].front;
    if (n == 0) return;
    candidates_.push_back({blocks_->RankOf(n, ranked_at_ns_), queue, n});
    std::push_heap(candidates_.begin(), candidates_.end(), GoesLater);
  }

  void Rebuild(int64_t now_ns) {
    candidates_.clear();
    ranked_at_ns_ = now_ns;
    stale_ = false;
    for (size_t queue = 0; queue < lists_.size(); ++queue) {
      const uint32_t n = lists_[queue].front;
      if (n == 0) continue;
      candidates_.push_back({blocks_->RankOf(n, now_ns), static_cast<uint32_t>(queue), n});
    }
    std::make_heap(candidates_.begin(), candidates_.end(), GoesLater);
  }

  Blocks* const blocks_;
  std::vector<List> lists_;
  std::vector<uint32_t> changed_;
  std::vector<Candidate> candidates_;  // heap, the lowest first
  int64_t ranked_at_ns_ = 0;
  bool stale_ = true;
};

}  // namespace halflife
