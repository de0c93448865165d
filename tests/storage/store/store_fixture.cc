#include "tests/storage/store/store_fixture.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace halflife {

std::vector<BlockHash> Chain(const std::string& name, int blocks) {
  std::vector<BlockHash> hashes;
  for (int i = 0; i < blocks; ++i) hashes.push_back({Sha256Of(absl::StrCat(name, "/", i))});
  return hashes;
}

std::string PayloadOf(const BlockIdentity& identity, uint64_t bytes) {
  std::string payload(bytes, '\0');
  uint64_t state = ChecksumSeed(identity) | 1;
  for (uint64_t i = 0; i + 8 <= bytes; i += 8) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    std::memcpy(&payload[i], &state, 8);
  }
  return payload;
}

void StoreTest::TearDown() {
  if (store_ == nullptr) return;
  store_->Quiesce();
  EXPECT_EQ(store_->CheckConservation(), "");
}

void StoreTest::Open(Setup setup) {
  OpenWithoutNamespace(std::move(setup));
  ns_ = OpenNamespace("model");
}

void StoreTest::OpenWithoutNamespace(Setup setup) {
  store_.reset();
  ns_ = nullptr;
  setup_ = std::move(setup);
  if (setup_.medium == nullptr) setup_.medium = std::make_shared<FakeSsdMedium>();
  DramArena::Options arena_options;
  arena_options.budget_bytes =
      setup_.dram_bytes > 0 ? setup_.dram_bytes : setup_.dram_blocks * kTestBlockBytes;
  arena_options.huge_pages = false;
  auto arena = DramArena::Create(arena_options);
  ASSERT_TRUE(arena.ok()) << arena.status();
  BlockStore::Tiers tiers;
  tiers.arena = *std::move(arena);
  tiers.clock = &clock_;
  arena_ = tiers.arena.get();
  ssd_ = nullptr;
  if (setup_.with_ssd) {
    auto ssd =
        std::make_unique<FakeSsdTier>(arena_, setup_.ssd_blocks * kTestBlockBytes, setup_.medium);
    ssd_ = ssd.get();
    tiers.ssd = std::move(ssd);
  }
  TenantSecret secret;
  secret.bytes.fill(setup_.secret);
  BlockStore::Options options = setup_.options;
  options.own_thread = false;
  auto store = BlockStore::Open(options, secret, std::move(tiers));
  ASSERT_TRUE(store.ok()) << store.status();
  store_ = *std::move(store);
}

void StoreTest::Restart(bool drain) {
  if (drain) store_->Drain(absl::Seconds(60));
  Open(setup_);
}

NamespaceRef StoreTest::OpenNamespace(const std::string& model, uint64_t block_bytes,
                                      uint32_t parts) {
  NamespaceDescriptor descriptor;
  descriptor.engine = "test";
  descriptor.model_name = model;
  descriptor.tokens_per_block = 16;
  descriptor.block_bytes = block_bytes;
  descriptor.parts = parts;
  auto ns = store_->OpenNamespace(descriptor);
  EXPECT_TRUE(ns.ok()) << ns.status();
  return ns.ok() ? *ns : nullptr;
}

ChainSlice StoreTest::Slice(const std::vector<BlockHash>& hashes, NamespaceRef ns) const {
  ChainSlice slice;
  slice.ns = ns != nullptr ? ns : ns_;
  slice.hashes = hashes;
  return slice;
}

BlockAddress StoreTest::Address(const BlockHash& hash, uint16_t part, NamespaceRef ns) const {
  const std::vector<BlockHash> one = {hash};
  return store_->AddressOf(Slice(one, std::move(ns)), 0, part);
}

absl::StatusOr<BlockBuffer> StoreTest::Allocate(const BlockHash& hash, NamespaceRef ns) {
  std::optional<absl::StatusOr<BlockBuffer>> answer;
  store_->AllocateForPut(ns != nullptr ? ns : ns_, Address(hash, 0, ns),
                         [&](absl::StatusOr<BlockBuffer> buffer) { answer = std::move(buffer); });
  if (!answer.has_value()) {
    // The background is whoever calls Quiesce.
    clock_.Advance(setup_.options.put_room_wait);
    store_->Quiesce();
  }
  EXPECT_TRUE(answer.has_value());
  return std::move(*answer);
}

BlockStore::PutBlock StoreTest::Prepare(const std::vector<BlockHash>& hashes, size_t index,
                                        uint16_t part, NamespaceRef ns) {
  BlockStore::PutBlock block;
  block.address = Address(hashes[index], part, ns);
  if (index > 0) block.parent = Address(hashes[index - 1], part, ns).key;
  block.depth = static_cast<uint32_t>(index);
  std::optional<absl::StatusOr<BlockBuffer>> answer;
  store_->AllocateForPut(ns != nullptr ? ns : ns_, block.address,
                         [&](absl::StatusOr<BlockBuffer> buffer) { answer = std::move(buffer); });
  if (!answer.has_value()) store_->Quiesce();
  EXPECT_TRUE(answer.has_value() && answer->ok());
  if (!answer.has_value() || !answer->ok()) return block;
  block.buffer = *std::move(*answer);
  const std::string payload = PayloadOf(block.address.identity, block.buffer.bytes().size());
  std::copy(payload.begin(), payload.end(), block.buffer.bytes().begin());
  block.checksum = PayloadChecksum(block.address.identity, AsBytes(payload));
  return block;
}

std::vector<PutOutcome> StoreTest::PutBlocks(const std::vector<BlockHash>& hashes, size_t first,
                                             size_t end, const RequestAttributes& attributes,
                                             NamespaceRef ns, PartRange parts) {
  std::vector<PutOutcome> outcomes;
  for (size_t i = first; i < end; ++i) {
    for (uint16_t p = 0; p < parts.count; ++p) {
      outcomes.push_back(store_->Commit(
          ns != nullptr ? ns : ns_, Prepare(hashes, i, static_cast<uint16_t>(parts.first + p), ns),
          attributes));
    }
    clock_.Advance(absl::Milliseconds(1));
  }
  return outcomes;
}

LookupResult StoreTest::Lookup(const std::vector<BlockHash>& hashes, NamespaceRef ns,
                               PartRange parts) {
  return store_->Lookup(Slice(hashes, std::move(ns)), parts, kChat);
}

absl::StatusOr<BlockRef> StoreTest::ReadOne(const BlockHash& hash, uint16_t part, NamespaceRef ns) {
  const BlockAddress address = Address(hash, part, std::move(ns));
  return std::move(store_->Read({&address, 1})[0]);
}

void StoreTest::ExpectReadable(const BlockHash& hash, uint16_t part, NamespaceRef ns) {
  const absl::StatusOr<BlockRef> block = ReadOne(hash, part, ns);
  ASSERT_TRUE(block.ok()) << block.status();
  const BlockAddress address = Address(hash, part, ns);
  EXPECT_EQ(block->header().identity, address.identity);
  EXPECT_TRUE(AsText(block->payload()) == PayloadOf(address.identity, block->payload().size()))
      << "wrong bytes";
}

void StoreTest::Touch(const std::vector<BlockHash>& hashes, const RequestAttributes& attributes) {
  store_->Touch(Slice(hashes), static_cast<uint32_t>(hashes.size()), {}, attributes);
}

}  // namespace halflife
