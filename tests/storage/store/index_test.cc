#include <cstdio>
#include <cstring>
#include <map>
#include <random>

#include "gtest/gtest.h"
#include "storage/index/block_index.h"
#include "storage/residency/recency_policy.h"

namespace halflife {
namespace {

BlockAddress Address(uint64_t i, uint8_t ns = 1) {
  BlockAddress address;
  address.identity.ns.bytes.fill(ns);
  address.identity.hash.bytes = Sha256Of(std::to_string(i));
  address.key.ns.fill(ns);
  std::memcpy(address.key.block.data(), Sha256Of(std::to_string(i) + "k").data(), 16);
  return address;
}

NewBlock Block(uint64_t i, uint8_t ns = 1) {
  NewBlock block;
  block.address = Address(i, ns);
  block.last_touch_ns = static_cast<int64_t>(i) * 1000;
  return block;
}

SsdLocation At(uint32_t slot) {
  SsdLocation location;
  location.file = 1;
  location.slot = slot;
  location.bytes = 4096;
  return location;
}

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() {
    DramArena::Options options;
    options.budget_bytes = 1 << 20;
    options.huge_pages = false;
    arena_ = *DramArena::Create(options);
  }
  BlockRef Sealed(const BlockAddress& address, uint32_t depth = 0) {
    BlockBuffer buffer = *arena_->Allocate(4096);
    BlockHeader header;
    header.depth = depth;
    header.identity = address.identity;
    header.payload_bytes = 4096;
    return std::move(buffer).Seal(header);
  }

  bool IsOnSsd(const BlockAddress& address) const {
    return index_
        .Where({.keys = {&address.key, 1},
                .hashes = {&address.identity.hash, 1},
                .group = address.identity.group,
                .part = address.identity.part})[0]
        .ssd;
  }

  std::unique_ptr<DramArena> arena_;
  BlockIndex index_;
};

TEST_F(IndexTest, AnotherIdentityUnderTheSameKeyIsNotFound) {
  ASSERT_TRUE(index_.RestoreOnSsd(Block(1), At(1)));
  BlockAddress forged = Address(1);
  forged.identity.part = 1;

  EXPECT_TRUE(index_.Find(Address(1)).any());
  EXPECT_FALSE(index_.Find(forged).any());
  EXPECT_FALSE(IsOnSsd(forged));
  EXPECT_TRUE(IsOnSsd(Address(1)));
}

TEST_F(IndexTest, EachAnswerOfALongQuestionIsThatOfItsKey) {
  std::vector<BlockKey> keys;
  std::vector<BlockHash> hashes;
  for (uint32_t n = 0; n < 1500; ++n) {
    if (n % 3 == 0) {
      ASSERT_TRUE(index_.RestoreOnSsd(Block(n), At(n)));
    }
    keys.push_back(Address(n).key);
    hashes.push_back(Address(n).identity.hash);
  }

  const auto where = index_.Where({.keys = keys, .hashes = hashes});

  ASSERT_EQ(where.size(), keys.size());
  for (uint32_t n = 0; n < 1500; ++n) EXPECT_EQ(where[n].ssd, n % 3 == 0) << n;
}

TEST_F(IndexTest, OneBlockHalfUnderTwoNamespacesIsTwoBlocks) {
  ASSERT_TRUE(index_.RestoreOnSsd(Block(1, 1), At(1)));
  ASSERT_TRUE(index_.RestoreOnSsd(Block(1, 2), At(2)));

  EXPECT_EQ(index_.Find(Address(1, 1)).ssd->slot, 1u);
  EXPECT_EQ(index_.Find(Address(1, 2)).ssd->slot, 2u);
  EXPECT_FALSE(index_.RestoreOnSsd(Block(1, 2), At(3)));
  EXPECT_TRUE(IsOnSsd(Address(1, 1)));
  EXPECT_TRUE(IsOnSsd(Address(1, 2)));
  EXPECT_FALSE(IsOnSsd(Address(1, 3)));
}

TEST_F(IndexTest, APromotionCountsOnlyIfTheBlockStillLiesThere) {
  index_.RestoreOnSsd(Block(1), At(1));
  bool attached = true;

  index_.AttachDram(Address(1).key, At(2), Sealed(Address(1)), &attached);
  EXPECT_FALSE(attached);
  EXPECT_FALSE(index_.Find(Address(1)).dram);

  index_.AttachDram(Address(1).key, At(1), Sealed(Address(1)), &attached);
  EXPECT_TRUE(attached);
  EXPECT_TRUE(index_.Find(Address(1)).dram);
}

TEST_F(IndexTest, ADemotionOfOtherBytesIsNotAttached) {
  BlockRef old_bytes = Sealed(Address(1));
  index_.InsertIfAbsent(Block(1), old_bytes);
  index_.Remove(Address(1).key);
  index_.InsertIfAbsent(Block(1), Sealed(Address(1)));

  EXPECT_FALSE(index_.AttachSsd(Address(1).key, old_bytes, At(1)));
  EXPECT_TRUE(index_.AttachSsd(Address(1).key, index_.DramCopy(Address(1).key), At(1)));
}

TEST_F(IndexTest, AnSsdCopyMovesOnlyFromWhereItIs) {
  EXPECT_FALSE(index_.MoveSsd(Address(1).key, At(1), At(2)));
  index_.RestoreOnSsd(Block(1), At(1));

  EXPECT_TRUE(index_.MoveSsd(Address(1).key, At(1), At(2)));
  EXPECT_FALSE(index_.MoveSsd(Address(1).key, At(1), At(3)));

  EXPECT_EQ(index_.Find(Address(1)).ssd, At(2));
  EXPECT_EQ(index_.totals().blocks[1], 1u);
}

TEST_F(IndexTest, AHeldBlockIsNotDropped) {
  index_.InsertIfAbsent(Block(1), Sealed(Address(1)));
  BlockRef held = index_.Find(Address(1)).dram;

  EXPECT_EQ(index_.DropDram(Address(1).key).result, BlockIndex::DropResult::kPinned);
  held = BlockRef();
  BlockIndex::Dropped dropped = index_.DropDram(Address(1).key);

  EXPECT_EQ(dropped.result, BlockIndex::DropResult::kDropped);
  EXPECT_TRUE(dropped.left_node);
  EXPECT_EQ(index_.DropDram(Address(1).key).result, BlockIndex::DropResult::kGone);
}

TEST_F(IndexTest, AScanInPiecesSeesEveryBlockOnce) {
  for (uint64_t i = 0; i < 1000; ++i) index_.RestoreOnSsd(Block(i), At(static_cast<uint32_t>(i)));

  BlockIndex::Cursor cursor;
  std::vector<bool> seen(1000);
  do {
    for (const IndexedBlock& block : index_.Scan(&cursor, 7)) {
      EXPECT_FALSE(seen[block.ssd->slot]);
      seen[block.ssd->slot] = true;
    }
  } while (cursor.shard != 0 || cursor.record != 0);

  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 1000);
}

TEST_F(IndexTest, TotalsFollowEveryChange) {
  index_.RestoreOnSsd(Block(1), At(1));
  index_.RestoreOnSsd(Block(2, 2), At(2));
  bool attached = false;
  index_.AttachDram(Address(1).key, At(1), Sealed(Address(1)), &attached);
  std::vector<std::pair<Category, int64_t>> gaps;
  const BlockKey key = Address(1).key;
  index_.TouchChain({500'000, 3, {&key, 1}}, &gaps);

  BlockIndex::Totals totals = index_.totals();
  EXPECT_EQ(totals.blocks[0], 1u);
  EXPECT_EQ(totals.blocks[1], 2u);
  EXPECT_EQ(totals.bytes[1], 8192u);
  EXPECT_EQ(totals.category_blocks[3][1], 1u);
  EXPECT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].second, 499'000);

  size_t removed = 0;
  for (int shard = 0; shard < BlockIndex::kShards; ++shard) {
    removed += index_.RemoveNamespace(Address(2, 2).key.ns, shard).size();
  }
  EXPECT_EQ(removed, 1u);
  index_.DropSsd(key, At(1));
  index_.Remove(key);
  totals = index_.totals();
  EXPECT_EQ(totals.entries, 0u);
  EXPECT_EQ(totals.blocks[0] + totals.blocks[1], 0u);
  EXPECT_EQ(totals.bytes[0] + totals.bytes[1], 0u);
}

// Copies come and go in both tiers; what the index says of a block is what was done to it.
TEST_F(IndexTest, AgreesWithAMapUnderRandomChanges) {
  struct Expected {
    bool in_dram = false;
    std::optional<SsdLocation> ssd;
    uint32_t depth = 0;
  };
  std::map<uint64_t, Expected> expected;
  std::mt19937 random(1);
  for (uint32_t step = 0; step < 20000; ++step) {
    const uint64_t i = random() % 150;
    const BlockAddress address = Address(i);
    const auto at = expected.find(i);
    if (at == expected.end()) {
      NewBlock block = Block(i);
      block.depth = step;
      Expected& added = expected[i];
      added.depth = step;
      if (random() % 2 == 0) {
        added.in_dram = true;
        EXPECT_TRUE(index_.InsertIfAbsent(block, Sealed(address, step)).stored);
      } else {
        added.ssd = At(step);
        EXPECT_TRUE(index_.RestoreOnSsd(block, At(step)));
      }
      continue;
    }
    Expected& known = at->second;
    if (random() % 8 == 0) {
      EXPECT_TRUE(index_.Remove(address.key).has_value());
      known = {};
    } else if (random() % 2 == 0 && known.in_dram) {
      EXPECT_EQ(index_.DropDram(address.key).left_node, !known.ssd);
      known.in_dram = false;
    } else if (known.in_dram && !known.ssd) {
      known.ssd = At(step);
      EXPECT_TRUE(index_.AttachSsd(address.key, index_.DramCopy(address.key), At(step)));
    } else if (random() % 2 == 0 && known.ssd) {
      EXPECT_EQ(index_.DropSsd(address.key, *known.ssd).left_node, !known.in_dram);
      known.ssd.reset();
    } else if (known.ssd && !known.in_dram) {
      index_.AttachDram(address.key, *known.ssd, Sealed(address, known.depth), &known.in_dram);
      EXPECT_TRUE(known.in_dram);
    }
    if (!known.in_dram && !known.ssd) expected.erase(at);
  }

  for (uint64_t i = 0; i < 150; ++i) {
    const auto at = expected.find(i);
    const std::optional<IndexedBlock> block = index_.Describe(Address(i).key);
    ASSERT_EQ(block.has_value(), at != expected.end()) << i;
    if (!block) continue;
    EXPECT_EQ(block->in_dram, at->second.in_dram) << i;
    EXPECT_EQ(block->ssd, at->second.ssd) << i;
    EXPECT_EQ(block->facts.depth, at->second.depth) << i;
    EXPECT_EQ(block->facts.bytes, 4096u) << i;
    EXPECT_TRUE(index_.Find(Address(i)).any()) << i;
  }
  EXPECT_EQ(index_.totals().entries, expected.size());
}

TEST(IndexMemory, IndexAndPolicyTogetherCostAtMost220BytesPerBlock) {
  constexpr uint64_t kBlocks = 200000;
  BlockIndex index;
  RecencyPolicy policy;
  const size_t empty_bytes = index.memory_bytes() + policy.memory_bytes();
  for (uint64_t i = 0; i < kBlocks; ++i) {
    NewBlock block = Block(i);
    block.depth = i % 100;
    if (i % 100 != 0) block.parent = Address(i - 1).key;
    index.RestoreOnSsd(block, At(static_cast<uint32_t>(i)));
    policy.OnInsert(Tier::kSsd, index.Describe(block.address.key)->facts);
  }

  const double bytes_per_block =
      static_cast<double>(index.memory_bytes() + policy.memory_bytes() - empty_bytes) / kBlocks;
  std::printf("index %.1f + policy %.1f = %.1f bytes per block\n",
              static_cast<double>(index.memory_bytes()) / kBlocks,
              static_cast<double>(policy.memory_bytes()) / kBlocks, bytes_per_block);

  EXPECT_LE(bytes_per_block, 220);
}

}  // namespace
}  // namespace halflife
