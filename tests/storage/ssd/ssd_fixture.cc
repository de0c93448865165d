#include "tests/storage/ssd/ssd_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/block/block_header.h"
#include "common/hashing.h"

namespace halflife {

namespace fs = std::filesystem;

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  path_ = absl::StrCat(base != nullptr ? base : "/tmp", "/halflife-ssd-test-XXXXXX");
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  fs::remove_all(path_, error);
}

uint64_t Random::Next() {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

NamespaceId TestNamespace() { return NamespaceId{Sha256Of("test namespace")}; }

BlockIdentity TestBlock::identity() const {
  BlockIdentity identity;
  identity.ns = TestNamespace();
  identity.hash.bytes = Sha256Of(absl::StrCat("block ", seed));
  identity.part = static_cast<uint16_t>(seed % 3);
  return identity;
}

BlockKey TestBlock::key() const {
  static const KeyDeriver deriver(TenantSecret{}, TestNamespace());
  const BlockIdentity id = identity();
  return deriver.KeyOf(id.hash, id.group, id.part);
}

std::string TestBlock::payload() const {
  std::string text(bytes, '\0');
  Random random(seed * 1000003 + bytes);
  for (size_t at = 0; at < text.size(); at += sizeof(uint64_t)) {
    const uint64_t word = random.Next();
    std::memcpy(text.data() + at, &word, std::min(sizeof word, text.size() - at));
  }
  return text;
}

PersistedState TestBlock::state() const {
  PersistedState state;
  state.depth = static_cast<uint32_t>(seed);
  state.category = static_cast<Category>(seed % 64);
  state.hits = static_cast<uint32_t>(seed * 7);
  state.idle_s = 5;
  state.parent = TestBlock{seed + 1, bytes}.key();
  return state;
}

bool TestsRunWithoutIoUring() {
  const char* const io = std::getenv("HALFLIFE_TEST_SSD_IO");
  return io != nullptr && std::string_view(io) == "threads";
}

TierUnderTest::TierUnderTest(std::string directory, uint64_t quota_bytes) {
  options.io_uring = !TestsRunWithoutIoUring();
  options.directory = std::move(directory);
  options.quota_bytes = quota_bytes;
  options.seams = &seams;
  arena_ = *DramArena::Create({.budget_bytes = uint64_t{256} << 20, .huge_pages = false});
}

absl::Status TierUnderTest::Open() {
  locations.clear();
  absl::StatusOr<std::unique_ptr<RocksSsdTier>> opened =
      RocksSsdTier::Open(options, *arena_, clock);
  if (opened.ok()) tier_ = *std::move(opened);
  return opened.status();
}

void TierUnderTest::Close() { tier_.reset(); }

void TierUnderTest::Reopen() {
  Close();
  ASSERT_TRUE(Open().ok());
  tier_->Recover([this](const SsdTier::Recovered& found) {
    locations[std::string(AsText(found.key.block))] = found.location;
  });
}

absl::StatusOr<SsdWrite> TierUnderTest::WriteOf(const TestBlock& block) {
  absl::StatusOr<BlockBuffer> buffer = arena_->Allocate(block.bytes);
  if (!buffer.ok()) return buffer.status();
  const std::string payload = block.payload();
  std::copy(payload.begin(), payload.end(), buffer->bytes().begin());
  BlockHeader header;
  header.identity = block.identity();
  header.payload_bytes = block.bytes;
  header.checksum = PayloadChecksum(header.identity, buffer->bytes());
  header.depth = block.state().depth;
  return SsdWrite{block.key(), std::move(*buffer).Seal(header), block.state()};
}

absl::StatusOr<SsdLocation> TierUnderTest::Write(const TestBlock& block) {
  std::vector<absl::StatusOr<SsdLocation>> results = WriteBatch({block});
  return results.empty() ? absl::ResourceExhaustedError("no room in DRAM") : results[0];
}

std::vector<absl::StatusOr<SsdLocation>> TierUnderTest::WriteBatch(
    const std::vector<TestBlock>& blocks) {
  std::vector<SsdWrite> writes;
  for (const TestBlock& block : blocks) {
    absl::StatusOr<SsdWrite> write = WriteOf(block);
    if (!write.ok()) break;
    writes.push_back(*std::move(write));
  }
  std::vector<absl::StatusOr<SsdLocation>> results = tier_->Write(writes);
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].ok()) locations[std::string(AsText(blocks[i].key().block))] = *results[i];
  }
  return results;
}

std::vector<absl::StatusOr<BlockRef>> TierUnderTest::ReadBatch(
    const std::vector<TestBlock>& blocks) {
  std::vector<SsdRead> reads;
  for (const TestBlock& block : blocks) {
    reads.push_back({block.key(), block.identity(), LocationOf(block).value_or(SsdLocation{})});
  }
  return tier_->Read(reads);
}

void TierUnderTest::MustWrite(const TestBlock& block) {
  const absl::StatusOr<SsdLocation> location = Write(block);
  ASSERT_TRUE(location.ok()) << location.status();
}

std::optional<SsdLocation> TierUnderTest::LocationOf(const TestBlock& block) const {
  const auto found = locations.find(std::string(AsText(block.key().block)));
  if (found == locations.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<BlockRef> TierUnderTest::Read(const TestBlock& block, const SsdLocation& location) {
  const SsdRead read{block.key(), block.identity(), location};
  return tier_->Read({&read, 1})[0];
}

absl::StatusOr<BlockRef> TierUnderTest::Read(const TestBlock& block) {
  const std::optional<SsdLocation> location = LocationOf(block);
  if (!location.has_value()) return absl::NotFoundError("never written");
  return Read(block, *location);
}

void TierUnderTest::Erase(const TestBlock& block) {
  const std::optional<SsdLocation> location = LocationOf(block);
  if (!location.has_value()) return;
  const SsdErase erase{block.key(), *location};
  tier_->Erase({&erase, 1});
  locations.erase(std::string(AsText(block.key().block)));
}

absl::Status TierUnderTest::Move(const TestBlock& block) {
  const SsdLocation from = LocationOf(block).value();
  const SsdMove move{block.key(), from};
  const absl::StatusOr<SsdLocation> to = tier_->Move({&move, 1})[0];
  if (!to.ok()) return to.status();
  Erase(block);
  locations[std::string(AsText(block.key().block))] = *to;
  return absl::OkStatus();
}

void TierUnderTest::Settle() {
  for (int i = 0; i < 1000 && tier_->Step(); ++i) {
  }
}

size_t TierUnderTest::ReadAll(const std::vector<TestBlock>& blocks) {
  size_t returned = 0;
  for (const TestBlock& block : blocks) {
    const absl::StatusOr<BlockRef> read = Read(block);
    if (!read.ok()) continue;
    ++returned;
    EXPECT_EQ(AsText(read->payload()), block.payload()) << "wrong bytes in block " << block.seed;
  }
  return returned;
}

uint64_t UsedBytes(const std::string& path) {
  uint64_t blocks = 0;
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) blocks += static_cast<uint64_t>(info.st_blocks);
  std::error_code error;
  for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
       it.increment(error)) {
    if (::lstat(it->path().c_str(), &info) == 0) blocks += static_cast<uint64_t>(info.st_blocks);
  }
  return blocks * 512;
}

std::vector<std::string> FilesUnder(const std::string& path) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool FlipBit(const std::string& path, uint64_t random) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const uint64_t size = static_cast<uint64_t>(file.tellg());
  if (size == 0) return false;
  const auto at = static_cast<std::streamoff>(random % size);
  char byte = 0;
  file.seekg(at);
  file.get(byte);
  byte = static_cast<char>(byte ^ (1 << (random >> 60) % 8));
  file.seekp(at);
  file.put(byte);
  return true;
}

std::vector<TestBlock> Blocks(uint64_t first_seed, size_t count, uint32_t bytes) {
  std::vector<TestBlock> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back({first_seed + i, bytes});
  return blocks;
}

}  // namespace halflife
