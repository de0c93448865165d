#include <random>
#include <thread>

#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

// Threads that put, get, look up, pin, touch and delete at random over few keys, against a
// background thread that evicts and demotes all the time. Whatever comes back must be the bytes of
// its key.
class ConcurrencyTest : public ::testing::Test {
 protected:
  static constexpr int kChains = 24;
  static constexpr int kChainBlocks = 12;
  static constexpr uint64_t kBytes = 8 << 10;

  void Open(uint64_t dram_blocks, uint64_t ssd_blocks) {
    DramArena::Options arena_options;
    arena_options.budget_bytes = dram_blocks * kBytes;
    arena_options.huge_pages = false;
    BlockStore::Tiers tiers;
    tiers.arena = *DramArena::Create(arena_options);
    tiers.ssd = std::make_unique<FakeSsdTier>(tiers.arena.get(), ssd_blocks * kBytes);
    BlockStore::Options options;
    options.step_interval = absl::Milliseconds(1);
    options.put_room_wait = absl::Milliseconds(20);
    store_ = *BlockStore::Open(options, TenantSecret(), std::move(tiers));
    NamespaceDescriptor descriptor;
    descriptor.model_name = "m";
    descriptor.tokens_per_block = 16;
    descriptor.block_bytes = kBytes;
    ns_ = *store_->OpenNamespace(descriptor);
    for (int i = 0; i < kChains; ++i) {
      chains_.push_back(Chain("c" + std::to_string(i), kChainBlocks));
    }
  }

  void Work(uint64_t seed, int operations) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < operations; ++i) {
      const std::vector<BlockHash>& chain = chains_[random() % kChains];
      ChainSlice slice;
      slice.ns = ns_;
      slice.hashes = chain;
      const uint64_t verb = random() % 100;
      if (verb < 40) {
        Put(slice, random() % kChainBlocks);
      } else if (verb < 75) {
        Get(slice);
      } else if (verb < 85) {
        Pin(slice);
      } else if (verb < 95) {
        store_->Touch(slice, kChainBlocks, {}, kChat);
      } else if (verb < 99) {
        store_->Lookup(slice, {}, kChat);
      } else {
        store_->DeleteChain(slice, {});
      }
    }
  }

  void Put(const ChainSlice& slice, size_t end) {
    for (uint32_t i = 0; i < end; ++i) {
      BlockStore::PutBlock block;
      block.address = store_->AddressOf(slice, i, 0);
      if (i > 0) block.parent = store_->AddressOf(slice, i - 1, 0).key;
      block.depth = i;
      struct Waiting {
        Mutex mutex;
        CondVar answered;
        std::optional<absl::StatusOr<BlockBuffer>> answer;
      };
      auto waiting = std::make_shared<Waiting>();
      store_->AllocateForPut(ns_, block.address, [waiting](absl::StatusOr<BlockBuffer> buffer) {
        MutexLock lock(waiting->mutex);
        waiting->answer = std::move(buffer);
        waiting->answered.NotifyAll();
      });
      {
        MutexLock lock(waiting->mutex);
        while (!waiting->answer.has_value()) waiting->answered.Wait(waiting->mutex);
        if (absl::IsAlreadyExists(waiting->answer->status())) continue;
        if (!waiting->answer->ok()) return;
        block.buffer = *std::move(*waiting->answer);
      }
      const std::string payload = PayloadOf(block.address.identity, kBytes);
      std::copy(payload.begin(), payload.end(), block.buffer.bytes().begin());
      block.checksum = PayloadChecksum(block.address.identity, AsBytes(payload));
      const PutOutcome outcome = store_->Commit(ns_, std::move(block), kChat);
      if (outcome != PutOutcome::kStored && outcome != PutOutcome::kDuplicate) ++wrong_;
      ++puts_;
    }
  }

  void Check(const BlockRef& block, const BlockIdentity& identity) {
    ++reads_;
    if (!(block.header().identity == identity) ||
        AsText(block.payload()) != PayloadOf(identity, kBytes)) {
      ++wrong_;
    }
  }

  void Get(const ChainSlice& slice) {
    std::vector<BlockAddress> addresses;
    for (uint32_t i = 0; i < kChainBlocks; ++i) addresses.push_back(store_->AddressOf(slice, i, 0));
    const auto results = store_->Read(addresses);
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i].ok()) Check(*results[i], addresses[i].identity);
    }
  }

  void Pin(const ChainSlice& slice) {
    const PinnedLookup pinned = store_->Pin(slice, {}, kChat, absl::Seconds(30));
    if (pinned.lease == 0) return;
    const auto leased = store_->Leased(pinned.lease);
    if (!leased.ok() || leased->blocks.size() != pinned.pinned_blocks) {
      ++wrong_;
    } else {
      for (uint32_t i = 0; i < pinned.pinned_blocks; ++i) {
        Check(leased->blocks[i], store_->AddressOf(slice, i, 0).identity);
      }
    }
    if (!store_->Release(pinned.lease).ok()) ++wrong_;
  }

  void RunThreads(uint64_t seed, int operations) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([this, seed, t, operations] { Work(seed + t, operations); });
    }
    for (std::thread& thread : threads) thread.join();
    store_->Quiesce();
    EXPECT_EQ(wrong_, 0);
    EXPECT_EQ(store_->CheckConservation(), "");
    EXPECT_EQ(store_->stats().leases, 0u);
    EXPECT_EQ(store_->stats().put_buffer_bytes, 0u);
  }

  std::unique_ptr<BlockStore> store_;
  NamespaceRef ns_;
  std::vector<std::vector<BlockHash>> chains_;
  std::atomic<int> wrong_{0}, reads_{0}, puts_{0};
};

TEST_F(ConcurrencyTest, RandomWorkFromFourThreadsNeverSeesAWrongByte) {
  Open(/*dram_blocks=*/64, /*ssd_blocks=*/160);

  RunThreads(/*seed=*/20240601, /*operations=*/800);

  EXPECT_GT(reads_, 4000) << "always missing is no answer";
  EXPECT_GT(store_->stats().demoted_blocks, 100u);
  EXPECT_GT(store_->stats().promoted_blocks, 100u);
}

TEST_F(ConcurrencyTest, AStoreThatDrainsUnderLoadKeepsItsBooks) {
  Open(/*dram_blocks=*/64, /*ssd_blocks=*/400);
  std::vector<std::thread> threads;
  std::atomic<bool> stop{false};
  threads.emplace_back([&] {
    for (uint64_t i = 0; !stop; ++i) {
      ChainSlice slice;
      slice.ns = ns_;
      slice.hashes = chains_[i % kChains];
      Get(slice);
      store_->DeleteChain(slice, {});
    }
  });
  Work(/*seed=*/7, /*operations=*/100);

  store_->Drain(absl::Seconds(30));
  stop = true;
  threads[0].join();
  store_->Quiesce();

  EXPECT_EQ(wrong_, 0);
  EXPECT_EQ(store_->CheckConservation(), "");
}

}  // namespace
}  // namespace halflife
