#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace halflife::tools {

// A map that forgets its oldest keys beyond a limit, so that a trace of any length is read in
// bounded memory. Setting a key again keeps its age. Not thread-safe.
template <typename Key, typename Value>
class BoundedMap {
 public:
  explicit BoundedMap(size_t limit) : limit_(limit) {}

  // Null if the key is not there. Valid until the next Set.
  Value* Find(const Key& key) {
    auto found = values_.find(key);
    return found == values_.end() ? nullptr : &found->second;
  }

  void Set(const Key& key, Value value) {
    if (!values_.insert_or_assign(key, std::move(value)).second) return;
    order_.push_back(key);
    // An erased key leaves its place in `order_` behind: that place only makes the map forget it
    // earlier.
    while (order_.size() > limit_) {
      values_.erase(order_.front());
      order_.pop_front();
    }
  }

  void Erase(const Key& key) { values_.erase(key); }

  size_t size() const { return values_.size(); }

 private:
  const size_t limit_;
  absl::flat_hash_map<Key, Value> values_;
  std::deque<Key> order_;
};

}  // namespace halflife::tools
