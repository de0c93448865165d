#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <list>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

inline constexpr int64_t kSecondNs = 1'000'000'000;

// A key that spreads like a real one.
inline BlockKey KeyOfNumber(uint64_t number) {
  BlockKey key;
  uint64_t head = (number + 1) * 0x9e3779b97f4a7c15;
  head = (head ^ (head >> 29)) * 0xbf58476d1ce4e5b9;
  head ^= head >> 32;
  std::memcpy(key.block.data(), &head, sizeof head);
  std::memcpy(key.block.data() + sizeof head, &number, sizeof number);
  return key;
}

struct TestRequest {
  double time_s = 0;
  Category category = kUnknownCategory;
  std::vector<uint64_t> blocks;
};

// A cache of `capacity` blocks of one tier around a policy. Serve fails the test if the policy
// names a victim that is not here or has a child here.
class PolicyCache {
 public:
  PolicyCache(ResidencyPolicy* policy, size_t capacity) : policy_(policy), capacity_(capacity) {}

  size_t Serve(const TestRequest& request) {
    const auto now_ns = static_cast<int64_t>(request.time_s * 1e9);
    std::vector<BlockKey> keys;
    for (const uint64_t block : request.blocks) keys.push_back(KeyOfNumber(block));
    policy_->OnTouch({.now_ns = now_ns, .category = request.category, .keys = keys});
    size_t hits = 0;
    while (hits < keys.size() && children_.contains(keys[hits])) ++hits;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (!children_.try_emplace(keys[i], 0).second) continue;
      BlockFacts facts;
      facts.key = keys[i];
      facts.depth = static_cast<uint32_t>(i);
      facts.category = request.category;
      facts.last_touch_ns = now_ns;
      if (i > 0) {
        facts.parent = keys[i - 1];
        parents_[keys[i]] = keys[i - 1];
        ++children_[keys[i - 1]];
      }
      policy_->OnInsert(Tier::kDram, facts);
    }
    while (children_.size() > capacity_ && !::testing::Test::HasFailure()) Evict(now_ns);
    return hits;
  }

  bool Holds(uint64_t block) const { return children_.contains(KeyOfNumber(block)); }
  size_t size() const { return children_.size(); }

 private:
  void Evict(int64_t now_ns) {
    const std::optional<BlockKey> victim = policy_->NextVictim(Tier::kDram, now_ns);
    ASSERT_TRUE(victim.has_value());
    ASSERT_TRUE(children_.contains(*victim));
    ASSERT_EQ(children_[*victim], 0);
    policy_->OnRemove(Tier::kDram, *victim);
    children_.erase(*victim);
    const auto parent = parents_.find(*victim);
    if (parent == parents_.end()) return;
    --children_[parent->second];
    parents_.erase(parent);
  }

  ResidencyPolicy* const policy_;
  const size_t capacity_;
  // Of those that are here: how many children are.
  absl::flat_hash_map<BlockKey, int, BlockKeyHash> children_;
  absl::flat_hash_map<BlockKey, BlockKey, BlockKeyHash> parents_;
};

// Recency as textbooks have it: one list; the head of a chain is used after its tail.
class ListCache {
 public:
  explicit ListCache(size_t capacity) : capacity_(capacity) {}

  size_t Serve(const TestRequest& request) {
    size_t hits = 0;
    while (hits < request.blocks.size() && places_.contains(request.blocks[hits])) ++hits;
    for (auto block = request.blocks.rbegin(); block != request.blocks.rend(); ++block) {
      if (const auto place = places_.find(*block); place != places_.end()) {
        order_.erase(place->second);
      }
      places_[*block] = order_.insert(order_.end(), *block);
    }
    while (order_.size() > capacity_) {
      places_.erase(order_.front());
      order_.pop_front();
    }
    return hits;
  }

 private:
  const size_t capacity_;
  std::list<uint64_t> order_;
  absl::flat_hash_map<uint64_t, std::list<uint64_t>::iterator> places_;
};

}  // namespace halflife
