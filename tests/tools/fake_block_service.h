#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "tools/replay/block_service.h"

namespace halflife::tools {

// A daemon in memory: keeps what is put, byte for byte, and can be told to lie, to lose or to
// refuse.
class FakeBlockService final : public BlockService {
 public:
  client::LookupResult Lookup(const client::LookupRequest& request) override {
    MutexLock lock(mutex_);
    ++lookups;
    last_attributes = request.attributes;
    client::LookupResult result;
    result.outcome = lookup_outcome;
    result.blocks = static_cast<uint32_t>(request.chain.size);
    if (lookup_outcome != client::Outcome::kOk) return result;
    for (const client::Hash& hash : request.chain) {
      if (!blocks_.contains(hash)) break;
      ++result.prefix_blocks;
    }
    const uint32_t dram = std::min(result.prefix_blocks, dram_blocks_of_a_prefix);
    result.runs.push_back({0, dram, false});
    // Beyond the prefix as well: what lies behind a hole is not a hit.
    result.runs.push_back({dram, result.blocks - dram, true});
    result.miss_reason = "never_seen";
    return result;
  }

  client::GetResult Get(client::GetRequest request) override {
    MutexLock lock(mutex_);
    get_sizes.push_back(request.items.size());
    client::GetResult result;
    result.outcome = client::Outcome::kOk;
    bool contiguous = true;
    for (client::GetItem& item : request.items) {
      const auto found = blocks_.find(item.hash);
      const bool lost = found == blocks_.end() || lost_on_get.contains(item.hash);
      item.outcome = lost ? client::Outcome::kMiss : client::Outcome::kOk;
      contiguous = contiguous && !lost;
      if (lost) continue;
      std::memcpy(item.into[0].data, found->second.data(), item.into[0].size);
      if (flips_byte_at >= 0) static_cast<uint8_t*>(item.into[0].data)[flips_byte_at] ^= 1;
      ++result.ok_items;
      result.prefix_items += contiguous ? 1 : 0;
    }
    result.items = std::move(request.items);
    return result;
  }

  client::PutResult Put(client::PutRequest request) override {
    MutexLock lock(mutex_);
    put_sizes.push_back(request.items.size());
    put_depths.push_back(request.first_depth);
    EXPECT_EQ(request.parent != nullptr, request.first_depth > 0);
    client::PutResult result;
    result.outcome = put_outcome;
    for (client::PutItem& item : request.items) {
      if (put_outcome != client::Outcome::kOk || blocks_.size() >= room) {
        ++result.refused;
        continue;
      }
      const auto* bytes = static_cast<const uint8_t*>(item.from[0].data);
      const bool added =
          blocks_.emplace(item.hash, std::string(bytes, bytes + item.from[0].size)).second;
      ++(added ? result.stored : result.duplicates);
    }
    most_blocks = std::max(most_blocks, blocks_.size());
    result.items = std::move(request.items);
    return result;
  }

  int64_t Delete(const client::NamespaceHandle& /*ns*/, client::View<client::Hash> chain) override {
    MutexLock lock(mutex_);
    int64_t deleted = 0;
    for (const client::Hash& hash : chain) deleted += static_cast<int64_t>(blocks_.erase(hash));
    return deleted;
  }

  size_t size() {
    MutexLock lock(mutex_);
    return blocks_.size();
  }

  // Set before, read after: not while a call is under way.
  client::Outcome lookup_outcome = client::Outcome::kOk;
  client::Outcome put_outcome = client::Outcome::kOk;
  uint32_t dram_blocks_of_a_prefix = 1000;
  size_t most_blocks = 0;  // at any time
  size_t room = 1'000'000;
  int flips_byte_at = -1;  // of every block that is got
  std::set<client::Hash> lost_on_get;
  client::Attributes last_attributes;
  int lookups = 0;
  std::vector<size_t> get_sizes, put_sizes;
  std::vector<uint32_t> put_depths;

 private:
  Mutex mutex_;
  std::map<client::Hash, std::string> blocks_;
};

}  // namespace halflife::tools
