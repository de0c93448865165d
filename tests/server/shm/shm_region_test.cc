#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>

#include "common/check.h"
#include "common/endian.h"
#include "tests/client/client_fixture.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/raw_session.h"
#include "tests/server/shm/shm_node.h"

namespace halflife {
namespace {

using client::Chain;
using client::Payload;

constexpr uint64_t kBlockBytes = 64 << 10;
constexpr uint64_t kRegionBytes = 4 << 20;
constexpr uint32_t kInvalidArgument = 3;
constexpr uint32_t kOutOfRange = 11;

// A file in memory that is mapped, as an engine does it.
class EngineMemory {
 public:
  explicit EngineMemory(bool filled = true) : fd_(memfd_create("engine", MFD_CLOEXEC)) {
    HL_CHECK(ftruncate(fd_.get(), kRegionBytes) == 0);
    void* const base =
        mmap(nullptr, kRegionBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    HL_CHECK(base != MAP_FAILED);
    base_ = static_cast<uint8_t*>(base);
    if (filled) std::memset(base_, 0x11, kRegionBytes);
  }
  ~EngineMemory() { munmap(base_, kRegionBytes); }

  int fd() const { return fd_.get(); }
  uint8_t* at(uint64_t offset) const { return base_ + offset; }

 private:
  FileDescriptor fd_;
  uint8_t* base_ = nullptr;
};

// Blocks of a chain in consecutive places of a region, each in two segments.
struct Places {
  Places(const std::vector<client::Hash>& chain, uint8_t* at) : chain(chain), at(at) {
    segments.reserve(chain.size());
    for (size_t i = 0; i < chain.size(); ++i) {
      uint8_t* const block = at + i * kBlockBytes;
      segments.push_back({{block, 1000}, {block + 1000, kBlockBytes - 1000}});
    }
  }
  void Fill() const {
    for (size_t i = 0; i < chain.size(); ++i) {
      const auto payload = Payload(chain[i], 0, kBlockBytes);
      std::memcpy(at + i * kBlockBytes, payload.data(), kBlockBytes);
    }
  }
  bool Hold() const {
    for (size_t i = 0; i < chain.size(); ++i) {
      const auto payload = Payload(chain[i], 0, kBlockBytes);
      if (std::memcmp(at + i * kBlockBytes, payload.data(), kBlockBytes) != 0) return false;
    }
    return true;
  }

  const std::vector<client::Hash> chain;
  uint8_t* const at;
  std::vector<std::vector<client::Segment>> segments;
};

class ShmRegionTest : public testing::Test {
 protected:
  void Start() {
    node_.emplace(directory_.socket());
    client_ = client::Client::Open(client::Patient(directory_.endpoint()));
    Reopen();
  }
  void Reopen() {
    ASSERT_TRUE(client_->AwaitSharedMemory(std::chrono::seconds(20)));
    client::Namespace model = client::SmallNamespace();
    model.block_bytes = kBlockBytes;
    ns_ = client_->OpenNamespace(model);
    ASSERT_EQ(client_->Lookup(client::LookupOf(ns_, Chain(4711, 1))).outcome, client::Outcome::kOk);
  }
  client::PutResult Put(const Places& places, std::shared_ptr<client::Region> region) {
    client::PutRequest request;
    request.ns = ns_;
    request.region = std::move(region);
    request.items.resize(places.chain.size());
    for (size_t i = 0; i < places.chain.size(); ++i) {
      request.items[i].hash = places.chain[i];
      request.items[i].from = places.segments[i];
    }
    return client_->Put(std::move(request));
  }
  client::GetResult Get(const Places& places, std::shared_ptr<client::Region> region,
                        client::Order order = client::Order::kAscending) {
    client::GetRequest request;
    request.ns = ns_;
    request.region = std::move(region);
    request.order = order;
    request.items.resize(places.chain.size());
    for (size_t i = 0; i < places.chain.size(); ++i) {
      request.items[i].hash = places.chain[i];
      request.items[i].into = places.segments[i];
    }
    return client_->Get(std::move(request));
  }

  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::unique_ptr<client::Client> client_;
  client::NamespaceHandle ns_;
};

TEST_F(ShmRegionTest, TheDaemonMovesTheBytesOfBothWays) {
  Start();
  const EngineMemory memory;
  const auto region = client_->RegisterRegion(memory.at(0), kRegionBytes, memory.fd());
  ASSERT_NE(region, nullptr);
  const Places from(Chain(1, 16), memory.at(0));
  const Places into(Chain(1, 16), memory.at(2 << 20));
  from.Fill();

  EXPECT_EQ(Put(from, region).stored, 16u);
  const client::GetResult got = Get(into, region);

  EXPECT_EQ(got.outcome, client::Outcome::kOk);
  EXPECT_EQ(got.prefix_items, 16u);
  EXPECT_TRUE(got.settled && region->quiet());
  EXPECT_TRUE(into.Hold());
  EXPECT_EQ(client_->stats().region_puts, 1u);
  EXPECT_EQ(client_->stats().region_gets, 1u);
  EXPECT_EQ(node_->leases(), 0u);
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

TEST_F(ShmRegionTest, AFileInDevShmAndAPartOfAFileAreRegionsToo) {
  Start();
  const std::string name = "/hl-region-test-" + std::to_string(getpid());
  const FileDescriptor file(shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  ASSERT_TRUE(file);
  shm_unlink(name.c_str());
  ASSERT_EQ(posix_fallocate(file.get(), 0, kRegionBytes), 0);
  constexpr uint64_t kOffset = 1 << 20;
  void* const base = mmap(nullptr, kRegionBytes - kOffset, PROT_READ | PROT_WRITE, MAP_SHARED,
                          file.get(), kOffset);
  ASSERT_NE(base, MAP_FAILED);
  auto* const memory = static_cast<uint8_t*>(base);
  const auto region = client_->RegisterRegion(memory, kRegionBytes - kOffset, file.get(), kOffset);
  const Places from(Chain(2, 8), memory);
  const Places into(Chain(2, 8), memory + (1 << 20));
  from.Fill();

  EXPECT_EQ(Put(from, region).stored, 8u);
  EXPECT_EQ(Get(into, region, client::Order::kDescending).ok_items, 8u);

  EXPECT_TRUE(into.Hold());
  EXPECT_EQ(client_->stats().region_gets, 1u);
  munmap(base, kRegionBytes - kOffset);
}

TEST_F(ShmRegionTest, WhereTheDaemonCannotTheLibraryDoes) {
  Start();
  const EngineMemory memory(/*filled=*/false);  // with holes
  const auto region = client_->RegisterRegion(memory.at(0), kRegionBytes, memory.fd());
  const Places from(Chain(3, 8), memory.at(0));
  const Places into(Chain(3, 8), memory.at(2 << 20));
  from.Fill();

  EXPECT_EQ(Put(from, region).stored, 8u);
  EXPECT_EQ(Get(into, region).ok_items, 8u);
  EXPECT_TRUE(into.Hold());
  EXPECT_EQ(client_->stats().region_gets, 0u) << "its pages would be the daemon's";

  const EngineMemory other;
  const Places outside(Chain(3, 8), other.at(0));
  EXPECT_EQ(Get(outside, region).ok_items, 8u);
  EXPECT_TRUE(outside.Hold());
  EXPECT_EQ(client_->stats().region_gets, 0u);
}

TEST_F(ShmRegionTest, ARegionOutlivesARestartOfTheDaemon) {
  Start();
  const EngineMemory memory;
  const auto region = client_->RegisterRegion(memory.at(0), kRegionBytes, memory.fd());
  const Places from(Chain(4, 8), memory.at(0));
  const Places into(Chain(4, 8), memory.at(2 << 20));
  from.Fill();
  ASSERT_EQ(Put(from, region).stored, 8u);

  node_->Stop();
  node_->Start();
  WaitUntil(
      [&] {
        return client_->AwaitSharedMemory(std::chrono::seconds(1)) &&
               Put(from, region).stored + Put(from, region).duplicates == 8u;
      },
      "the client is back");

  EXPECT_EQ(Get(into, region).ok_items, 8u);
  EXPECT_TRUE(into.Hold());
  EXPECT_GE(client_->stats().region_gets, 1u);
}

TEST_F(ShmRegionTest, WrongArgumentsAreNoRegion) {
  Start();
  const EngineMemory memory;
  std::string error;

  EXPECT_EQ(client_->RegisterRegion(nullptr, kRegionBytes, memory.fd(), 0, &error), nullptr);
  EXPECT_EQ(client_->RegisterRegion(memory.at(0), kRegionBytes, -1, 0, &error), nullptr);
  EXPECT_EQ(client_->RegisterRegion(memory.at(0), kRegionBytes, memory.fd(), 1, &error), nullptr);
  EXPECT_NE(error.find("4194304 bytes at 1 of a file that has 4194304"), std::string::npos);
}

// --- Clients that mean harm

class ShmRegionHostile : public testing::Test {
 protected:
  void SetUp() override {
    node_.emplace(directory_.socket());
    session_.emplace(node_->door_path(), directory_.socket());
    ASSERT_TRUE(session_->Enter(1 << 20));
    NamespaceDescriptor model;
    model.engine = "test";
    model.model_name = "region";
    model.tokens_per_block = 4;
    model.block_bytes = kBlockBytes;
    session_->OpenNamespace(model);
    line_.emplace(node_->door_path(), session_->welcome().session);
    ASSERT_TRUE(line_->ok());
  }
  RawSession Registered(int fd, uint64_t size = kRegionBytes) {
    RawSession visitor(node_->door_path(), "");
    ack_ = {};
    if (visitor.Say(EncodeRegionHello({session_->welcome().session, size}), {fd})) {
      const auto ack = DecodeRegionAck(visitor.answer().bytes);
      if (ack.ok()) ack_ = *ack;
    }
    return visitor;
  }
  v1::RegionPiece PieceOf(uint64_t offset, uint64_t length) const {
    v1::RegionPiece piece;
    piece.set_region(ack_.region);
    piece.set_offset(offset);
    piece.set_length(length);
    return piece;
  }
  // Block 0 of chain `seed` from or to the beginning of the region.
  uint32_t Commit(int seed, const Digest128& checksum, const std::vector<v1::RegionPiece>& pieces) {
    v1::CommitBlocksRequest request = session_->CommitOf(seed, 1);
    request.mutable_blocks(0)->set_checksum_low(LoadLe64(checksum.data()));
    request.mutable_blocks(0)->set_checksum_high(LoadLe64(checksum.data() + 8));
    for (const auto& piece : pieces) *request.mutable_blocks(0)->add_pieces() = piece;
    v1::CommitBlocksResponse response;
    return line_->Call(LineMethod::kCommitBlocks, request, &response);
  }
  uint32_t Copy(int seed, const std::vector<v1::RegionPiece>& pieces,
                v1::CopyBlocksResponse* response) {
    v1::CopyBlocksRequest request;
    *request.mutable_get() = session_->LeaseOf(seed, 1).get();
    auto* const target = request.add_targets();
    for (const auto& piece : pieces) *target->add_pieces() = piece;
    return line_->Call(LineMethod::kCopyBlocks, request, response);
  }
  Digest128 ChecksumOf(int seed, const uint8_t* bytes) const {
    return PayloadChecksum(session_->IdentityOf(seed, 0), {bytes, kBlockBytes});
  }

  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::optional<RawSession> session_;
  std::optional<RawLine> line_;
  ShmRegionAck ack_;
};

TEST_F(ShmRegionHostile, OnlyAFileInMemoryThatTheClientMayWriteIsARegion) {
  const std::string path = directory_.path() + "/file";
  const FileDescriptor on_disk(open(path.c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(ftruncate(on_disk.get(), kRegionBytes), 0);
  struct statfs system {};
  ASSERT_EQ(fstatfs(on_disk.get(), &system), 0);
  if (system.f_type != TMPFS_MAGIC) {
    Registered(on_disk.get());
    EXPECT_EQ(ack_.status, HandshakeStatus::kNotShareable);
  }

  const EngineMemory memory;
  const std::string proc = "/proc/self/fd/" + std::to_string(memory.fd());
  const FileDescriptor read_only(open(proc.c_str(), O_RDONLY));
  Registered(read_only.get());
  EXPECT_EQ(ack_.status, HandshakeStatus::kNotShareable);
  Registered(session_->arena_fd());
  EXPECT_EQ(ack_.status, HandshakeStatus::kNotShareable) << "nor the arena itself";
  Registered(memory.fd(), kRegionBytes + 1);
  EXPECT_EQ(ack_.status, HandshakeStatus::kNotShareable) << "longer than the file";
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  Registered(pipes[1]);
  EXPECT_EQ(ack_.status, HandshakeStatus::kNotShareable);
  close(pipes[0]);
  close(pipes[1]);

  const RawSession good = Registered(memory.fd());
  EXPECT_EQ(ack_.status, HandshakeStatus::kOk);
}

TEST_F(ShmRegionHostile, PiecesMustAddUpAndLieWithinTheRegion) {
  const EngineMemory memory;
  const RawSession registered = Registered(memory.fd());
  const Digest128 checksum = ChecksumOf(1, memory.at(0));
  v1::CopyBlocksResponse response;
  v1::RegionPiece unknown = PieceOf(0, kBlockBytes);
  unknown.set_region(ack_.region + 1);
  const std::vector<std::vector<v1::RegionPiece>> wrong = {
      {PieceOf(0, kBlockBytes - 1)},
      {PieceOf(0, kBlockBytes + 1)},
      {PieceOf(0, kBlockBytes), PieceOf(0, 1)},
      {PieceOf(0, kBlockBytes), PieceOf(0, 0)},
      {PieceOf(kRegionBytes - kBlockBytes + 1, kBlockBytes)},
      {PieceOf(UINT64_MAX, kBlockBytes)},
      {PieceOf(0, UINT64_MAX)},
      {PieceOf(1, UINT64_MAX), PieceOf(0, kBlockBytes + 1)},
      {unknown},
      std::vector<v1::RegionPiece>(65, PieceOf(0, kBlockBytes / 64))};
  for (const auto& pieces : wrong) {
    EXPECT_EQ(Commit(1, checksum, pieces), kInvalidArgument);
    EXPECT_EQ(Copy(1, pieces, &response), kInvalidArgument);
  }

  EXPECT_EQ(Commit(1, checksum, std::vector<v1::RegionPiece>(64, PieceOf(0, kBlockBytes / 64))), 0u)
      << "0x11 all over: any pieces are the block";
  EXPECT_EQ(Copy(1, {PieceOf(kRegionBytes - kBlockBytes, kBlockBytes)}, &response), 0u);
  EXPECT_EQ(response.blocks(0).status(), v1::BLOCK_STATUS_OK);
}

TEST_F(ShmRegionHostile, AFileThatIsCutIsRefusedAndNothingElseHappens) {
  const EngineMemory memory;
  const RawSession registered = Registered(memory.fd());
  ASSERT_EQ(Commit(1, ChecksumOf(1, memory.at(0)), {PieceOf(0, kBlockBytes)}), 0u);
  const Digest128 checksum = ChecksumOf(2, memory.at(0));
  v1::CopyBlocksResponse response;

  ASSERT_EQ(ftruncate(memory.fd(), kBlockBytes - 1), 0);

  EXPECT_EQ(Commit(2, checksum, {PieceOf(0, kBlockBytes)}), kOutOfRange);
  EXPECT_EQ(Copy(1, {PieceOf(0, kBlockBytes)}, &response), kOutOfRange);
  ASSERT_EQ(ftruncate(memory.fd(), kRegionBytes), 0);
  EXPECT_EQ(Copy(1, {PieceOf(0, kBlockBytes)}, &response), kOutOfRange) << "holes";
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

TEST_F(ShmRegionHostile, AFileThatIsCutAndGrownWhileItIsCopiedHarmsNobody) {
  const EngineMemory memory;
  const RawSession registered = Registered(memory.fd());
  std::atomic<bool> done{false};
  std::thread cutter([&] {
    while (!done) {
      static_cast<void>(ftruncate(memory.fd(), kBlockBytes / 2));
      static_cast<void>(posix_fallocate(memory.fd(), 0, kRegionBytes));
      static_cast<void>(pwrite(memory.fd(), "scribble", 8, 100));
    }
  });
  const std::vector<uint8_t> zeros(kBlockBytes, 0);
  std::vector<int> stored;
  v1::CopyBlocksResponse response;
  for (int seed = 1; seed <= 300; ++seed) {
    const Digest128 checksum =
        PayloadChecksum(session_->IdentityOf(seed, 0), {zeros.data(), kBlockBytes});
    if (Commit(seed, checksum, {PieceOf(kBlockBytes, kBlockBytes)}) == 0) stored.push_back(seed);
    Copy(seed, {PieceOf(0, kBlockBytes)}, &response);
  }
  done = true;
  cutter.join();

  // What was stored is what was said: all zeros.
  for (const int seed : stored) {
    v1::LeaseBlocksResponse leased;
    ASSERT_EQ(line_->Lease(session_->LeaseOf(seed, 1), &leased), 0u);
    if (leased.blocks(0).status() != v1::BLOCK_STATUS_OK) continue;  // evicted
    std::vector<uint8_t> bytes(kBlockBytes, 1);
    ASSERT_EQ(pread(session_->arena_fd(), bytes.data(), kBlockBytes,
                    static_cast<off_t>(leased.blocks(0).offset())),
              static_cast<ssize_t>(kBlockBytes));
    ASSERT_EQ(bytes, zeros);
    ASSERT_TRUE(session_->Release({leased.lease_id()}).ok());
  }
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

TEST_F(ShmRegionHostile, AppendingDoesNotMoveWhatTheDaemonWrites) {
  const EngineMemory memory;
  const RawSession registered = Registered(memory.fd());
  ASSERT_EQ(Commit(1, ChecksumOf(1, memory.at(0)), {PieceOf(0, kBlockBytes)}), 0u);
  std::memset(memory.at(0), 0, kBlockBytes);
  ASSERT_EQ(fcntl(memory.fd(), F_SETFL, O_APPEND), 0);

  v1::CopyBlocksResponse response;
  EXPECT_EQ(Copy(1, {PieceOf(0, kBlockBytes)}, &response), 0u);

  EXPECT_EQ(*memory.at(kBlockBytes - 1), 0x11);
  EXPECT_EQ(lseek(memory.fd(), 0, SEEK_END), static_cast<off_t>(kRegionBytes));
}

TEST_F(ShmRegionHostile, ARegionEndsWithItsConnectionAndASessionHasSixteen) {
  const EngineMemory memory;
  const Digest128 checksum = ChecksumOf(1, memory.at(0));
  std::vector<RawSession> registered;
  for (int i = 0; i < 16; ++i) {
    registered.push_back(Registered(memory.fd()));
    ASSERT_EQ(ack_.status, HandshakeStatus::kOk);
  }
  Registered(memory.fd());
  EXPECT_EQ(ack_.status, HandshakeStatus::kFull);
  Registered(memory.fd());
  ack_.region = 16;
  ASSERT_EQ(Commit(1, checksum, {PieceOf(0, kBlockBytes)}), 0u);

  registered.back().Die();

  WaitUntil([&] { return Commit(2, checksum, {PieceOf(0, kBlockBytes)}) == kInvalidArgument; },
            "the region is gone");
}

TEST_F(ShmRegionHostile, ARegionGoesWithItsSession) {
  const EngineMemory memory;
  RawSession registered = Registered(memory.fd());
  ASSERT_EQ(ack_.status, HandshakeStatus::kOk);

  session_->Die();

  EXPECT_TRUE(registered.HearEnd()) << "its connection is not counted any more";
}

}  // namespace
}  // namespace halflife
