#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "storage/block_store.h"
#include "tests/fakes/fake_ssd_tier.h"
#include "tests/fakes/manual_clock.h"

namespace halflife {

inline constexpr uint64_t kTestBlockBytes = 64 << 10;

inline RequestAttributes Attributes(const std::string& app, uint32_t turn = 1) {
  RequestAttributes attributes;
  attributes.app = app;
  attributes.turn = turn;
  return attributes;
}
inline const RequestAttributes kChat = Attributes("chat");
inline const RequestAttributes kAgent = Attributes("agent");

// Block hashes of a made-up prompt: chains with different names share nothing.
std::vector<BlockHash> Chain(const std::string& name, int blocks);
// The payload that every writer puts under an identity: a function of it, so that any wrong byte
// shows.
std::string PayloadOf(const BlockIdentity& identity, uint64_t bytes);

// A store with a small DRAM and a FakeSsdTier under a clock that stands still, without a thread of
// its own. Every test ends with the books being checked.
class StoreTest : public ::testing::Test {
 protected:
  struct Setup {
    uint64_t dram_blocks = 64;
    uint64_t dram_bytes = 0;  // instead of dram_blocks
    bool with_ssd = true;
    uint64_t ssd_blocks = 1 << 20;
    BlockStore::Options options;
    std::shared_ptr<FakeSsdMedium> medium;  // null: a fresh one
    uint8_t secret = 7;
  };

  void SetUp() override { Open(Setup()); }
  void TearDown() override;

  void Open(Setup setup);
  // As Open, with none but the namespaces that the SSD remembers; ns_ is null.
  void OpenWithoutNamespace(Setup setup);
  // A clean stop and a start on what the SSD holds.
  void Restart(bool drain);

  NamespaceRef OpenNamespace(const std::string& model, uint64_t block_bytes = kTestBlockBytes,
                             uint32_t parts = 1);
  ChainSlice Slice(const std::vector<BlockHash>& hashes, NamespaceRef ns = nullptr) const;
  BlockAddress Address(const BlockHash& hash, uint16_t part = 0, NamespaceRef ns = nullptr) const;

  // Puts blocks [first, end) of all parts, first block first, one millisecond apart.
  std::vector<PutOutcome> PutBlocks(const std::vector<BlockHash>& hashes, size_t first, size_t end,
                                    const RequestAttributes& attributes = kChat,
                                    NamespaceRef ns = nullptr, PartRange parts = {});
  std::vector<PutOutcome> PutChain(const std::vector<BlockHash>& hashes,
                                   const RequestAttributes& attributes = kChat,
                                   NamespaceRef ns = nullptr) {
    return PutBlocks(hashes, 0, hashes.size(), attributes, std::move(ns));
  }
  // Buffer and declared checksum for one block; fails the test if there is no room at once.
  BlockStore::PutBlock Prepare(const std::vector<BlockHash>& hashes, size_t index,
                               uint16_t part = 0, NamespaceRef ns = nullptr);
  absl::StatusOr<BlockBuffer> Allocate(const BlockHash& hash, NamespaceRef ns = nullptr);

  LookupResult Lookup(const std::vector<BlockHash>& hashes, NamespaceRef ns = nullptr,
                      PartRange parts = {});
  uint32_t Prefix(const std::vector<BlockHash>& hashes) { return Lookup(hashes).prefix_blocks; }
  bool InDram(const BlockHash& hash) { return bool{store_->FindInDram(Address(hash))}; }
  bool OnSsd(const BlockHash& hash) { return ssd_->Holds(Address(hash).key); }
  absl::StatusOr<BlockRef> ReadOne(const BlockHash& hash, uint16_t part = 0,
                                   NamespaceRef ns = nullptr);
  // Reads it and compares every byte.
  void ExpectReadable(const BlockHash& hash, uint16_t part = 0, NamespaceRef ns = nullptr);
  void Touch(const std::vector<BlockHash>& hashes, const RequestAttributes& attributes = kChat);

  ManualClock clock_;
  Setup setup_;
  DramArena* arena_ = nullptr;  // of the store
  FakeSsdTier* ssd_ = nullptr;  // of the store, null without
  std::unique_ptr<BlockStore> store_;
  NamespaceRef ns_;
};

}  // namespace halflife
