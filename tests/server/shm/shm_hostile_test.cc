#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>

#include "common/endian.h"
#include "common/executor.h"
#include "tests/client/client_fixture.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/raw_session.h"
#include "tests/server/shm/shm_node.h"

namespace halflife {
namespace {

constexpr uint64_t kBlockBytes = 64 << 10;
constexpr uint64_t kStagingBytes = 1 << 20;

NamespaceDescriptor Model() {
  NamespaceDescriptor model;
  model.engine = "test";
  model.model_name = "hostile";
  model.tokens_per_block = 4;
  model.block_bytes = kBlockBytes;
  return model;
}

class ShmHostile : public testing::Test {
 protected:
  void Start(const ShmNode::Options& options = {}) { node_.emplace(directory_.socket(), options); }
  RawSession Visitor() { return {node_->door_path(), directory_.socket()}; }
  RawSession Client() {
    RawSession session = Visitor();
    EXPECT_TRUE(session.Enter(kStagingBytes));
    session.OpenNamespace(Model());
    return session;
  }
  // Commits chain `seed`, whose blocks are full of one byte each.
  void Put(RawSession& session, int seed, int count) {
    uint8_t* const staging = session.MapStaging();
    v1::CommitBlocksRequest request = session.CommitOf(seed, count);
    for (int i = 0; i < count; ++i) {
      uint8_t* const block = staging + static_cast<uint64_t>(i) * kBlockBytes;
      std::memset(block, seed + i, kBlockBytes);
      const Digest128 checksum = PayloadChecksum(session.IdentityOf(seed, i), {block, kBlockBytes});
      request.mutable_blocks(i)->set_checksum_low(LoadLe64(checksum.data()));
      request.mutable_blocks(i)->set_checksum_high(LoadLe64(checksum.data() + 8));
    }
    v1::CommitBlocksResponse response;
    const grpc::Status status = session.Commit(request, &response);
    munmap(staging, kStagingBytes);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.stored(), static_cast<uint32_t>(count));
  }

  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
};

// --- The memory

TEST_F(ShmHostile, NobodyMakesTheArenaWritableShorterOrEmpty) {
  Start();
  RawSession session = Client();
  for (const int fd : {session.arena_fd(), session.generations_fd()}) {
    EXPECT_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    EXPECT_EQ(errno, EACCES);
    EXPECT_NE(ftruncate(fd, 0), 0);
    EXPECT_NE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
    EXPECT_NE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    EXPECT_NE(write(fd, "x", 1), 1);

    void* const base = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ASSERT_NE(base, MAP_FAILED);
    EXPECT_NE(mprotect(base, 4096, PROT_READ | PROT_WRITE), 0);
    EXPECT_NE(madvise(base, 4096, MADV_REMOVE), 0);
    munmap(base, 4096);
  }
}

TEST_F(ShmHostile, AnotherUserCannotOpenTheFilesAnewForWriting) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  Start();
  RawSession session = Client();
  const int arena = session.arena_fd();
  const pid_t child = fork();
  if (child == 0) {
    // Only system calls: the threads of this process are not in the child.
    if (setuid(65534) != 0) _exit(2);
    char path[32];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", arena);
    _exit(open(path, O_RDWR) >= 0 || fchmod(arena, 0666) == 0 ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_EQ(status, 0);
}

TEST_F(ShmHostile, AWriteToTheArenaEndsTheWriterAndNothingElse) {
  Start();
  RawSession session = Client();
  Put(session, 1, 1);
  v1::LeaseBlocksResponse leased;
  ASSERT_TRUE(session.Lease(session.LeaseOf(1, 1), &leased).ok());
  void* const base =
      mmap(nullptr, session.welcome().arena_bytes, PROT_READ, MAP_SHARED, session.arena_fd(), 0);
  ASSERT_NE(base, MAP_FAILED);
  auto* const block = static_cast<uint8_t*>(base) + leased.blocks(0).offset();

  const pid_t child = fork();
  if (child == 0) {
    // A sanitizer's handler would turn the signal into an exit code.
    signal(SIGSEGV, SIG_DFL);
    *const_cast<volatile uint8_t*>(block) = 0xff;
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);

  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_EQ(block[0], 1);
  munmap(base, session.welcome().arena_bytes);
}

TEST_F(ShmHostile, StagingMemoryCannotBeCutUnderTheDaemonsHands) {
  Start();
  RawSession session = Client();

  EXPECT_NE(ftruncate(session.staging_fd(), 0), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(ftruncate(session.staging_fd(), 2 * kStagingBytes), 0);
  EXPECT_NE(fcntl(session.staging_fd(), F_ADD_SEALS, F_SEAL_WRITE), 0);

  // A hole reads as zeros: the checksum does not hold, and that is all.
  ASSERT_EQ(fallocate(session.staging_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                      static_cast<off_t>(kStagingBytes)),
            0);
  v1::CommitBlocksResponse response;
  const grpc::Status status = session.Commit(session.CommitOf(2, 2), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
}

TEST_F(ShmHostile, StagingMemoryThatChangesDuringTheCommitIsAChecksumThatDoesNotHold) {
  Start();
  RawSession session = Client();
  uint8_t* const staging = session.MapStaging();
  std::atomic<bool> stop{false};
  ThreadPool scribbler({.name = "scribbler", .threads = 1});
  ASSERT_TRUE(scribbler.Submit([&] {
    for (uint8_t value = 0; !stop; ++value) {
      for (uint64_t at = 0; at < kBlockBytes; at += 64) {
        reinterpret_cast<volatile uint8_t*>(staging)[at] = value;
      }
    }
  }));

  int stored = 0, refused = 0;
  for (int seed = 1000; seed < 1200; ++seed) {
    v1::CommitBlocksRequest request = session.CommitOf(seed, 1);
    const Digest128 checksum = PayloadChecksum(session.IdentityOf(seed, 0), {staging, kBlockBytes});
    request.mutable_blocks(0)->set_checksum_low(LoadLe64(checksum.data()));
    request.mutable_blocks(0)->set_checksum_high(LoadLe64(checksum.data() + 8));
    v1::CommitBlocksResponse response;
    const grpc::Status status = session.Commit(request, &response);
    if (!status.ok()) {
      ASSERT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
      ++refused;
      continue;
    }
    ++stored;
    // What was published is what its header says, whatever the staging memory holds now.
    v1::LeaseBlocksResponse leased;
    ASSERT_TRUE(session.Lease(session.LeaseOf(seed, 1), &leased).ok());
    std::string bytes(kBlockBytes, '\0');
    ASSERT_EQ(pread(session.arena_fd(), bytes.data(), bytes.size(),
                    static_cast<off_t>(leased.blocks(0).offset())),
              static_cast<ssize_t>(kBlockBytes));
    const Digest128 actual = PayloadChecksum(session.IdentityOf(seed, 0), AsBytes(bytes));
    EXPECT_EQ(LoadLe64(actual.data()), leased.blocks(0).checksum_low());
    ASSERT_TRUE(session.Release({leased.lease_id()}).ok());
  }
  stop = true;
  scribbler.Drain();
  munmap(staging, kStagingBytes);

  EXPECT_GT(refused, 0) << "the scribbler never hit: " << stored << " stored";
}

// --- The calls

TEST_F(ShmHostile, CallsWithAWrongTokenAreNotKnown) {
  Start();
  RawSession session = Client();
  Put(session, 3, 1);
  for (const std::string& token :
       {std::string(), std::string(15, 'x'), std::string(16, 'x'), std::string(17, 'x')}) {
    v1::LeaseBlocksRequest lease = session.LeaseOf(3, 1);
    lease.set_session(token);
    v1::LeaseBlocksResponse leased;
    EXPECT_EQ(session.Lease(lease, &leased).error_code(), grpc::StatusCode::UNAUTHENTICATED);
    v1::CommitBlocksRequest commit = session.CommitOf(4, 1);
    commit.set_session(token);
    v1::CommitBlocksResponse committed;
    EXPECT_EQ(session.Commit(commit, &committed).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  }
  EXPECT_EQ(node_->leases(), 0u);
}

TEST_F(ShmHostile, StagedBlocksMustLieWithinTheStagingMemory) {
  Start();
  RawSession session = Client();
  for (const uint64_t offset :
       {kStagingBytes - kBlockBytes + 1, kStagingBytes, UINT64_MAX, UINT64_MAX - kBlockBytes + 1}) {
    v1::CommitBlocksRequest request = session.CommitOf(5, 1);
    request.mutable_blocks(0)->set_offset(offset);
    v1::CommitBlocksResponse response;
    EXPECT_EQ(session.Commit(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT)
        << offset;
  }
  v1::CommitBlocksRequest last = session.CommitOf(5, 1);
  last.mutable_blocks(0)->set_offset(kStagingBytes - kBlockBytes);
  v1::CommitBlocksResponse response;
  EXPECT_EQ(session.Commit(last, &response).error_code(), grpc::StatusCode::DATA_LOSS)
      << "within, but nothing was staged there";
}

TEST_F(ShmHostile, ACommitNamesEachBlockOnceAndSessionsWithoutStagingHaveNone) {
  Start();
  RawSession session = Client();
  v1::CommitBlocksResponse response;
  v1::CommitBlocksRequest request = session.CommitOf(6, 2);
  request.mutable_blocks()->RemoveLast();
  EXPECT_EQ(session.Commit(request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(session.Commit(session.CommitOf(6, 129), &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::LeaseBlocksResponse leased;
  EXPECT_EQ(session.Lease(session.LeaseOf(6, 129), &leased).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);

  RawSession reader = Visitor();
  ASSERT_TRUE(reader.Enter(0));
  reader.OpenNamespace(Model());
  EXPECT_EQ(reader.answer().descriptors.size(), 2u);
  EXPECT_EQ(reader.Commit(reader.CommitOf(7, 1), &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

// --- Dying and holding on

TEST_F(ShmHostile, AClosedConnectionGivesAllItsLeasesBackAndEndsItsToken) {
  Start();
  RawSession session = Client();
  RawSession other = Client();
  Put(session, 8, 4);
  v1::LeaseBlocksResponse leased;
  ASSERT_TRUE(session.Lease(session.LeaseOf(8, 4), &leased).ok());
  ASSERT_TRUE(session.Lease(session.LeaseOf(8, 2), &leased).ok());
  ASSERT_TRUE(other.Lease(other.LeaseOf(8, 1), &leased).ok());
  ASSERT_EQ(node_->leases(), 3u);

  session.Die();

  WaitUntil([&] { return node_->leases() == 1; }, "its leases go, the other's stays");
  EXPECT_EQ(session.Lease(session.LeaseOf(8, 1), &leased).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(node_->shm().stats().sessions, 1u);
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

TEST_F(ShmHostile, OneClientCannotPinWhatAllHave) {
  Start({.dram_bytes = 16 << 20});  // 4 MiB under leases, 2 MiB of one client
  RawSession session = Client();
  for (int seed = 0; seed < 8; ++seed) Put(session, 100 * seed, 8);
  v1::LeaseBlocksResponse leased;
  int granted = 0;
  grpc::Status status;
  for (int seed = 0; seed < 8 && status.ok(); ++seed) {
    status = session.Lease(session.LeaseOf(100 * seed, 8), &leased);
    granted += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_GE(granted, 3);
  EXPECT_LE(granted, 4);

  RawSession other = Client();
  EXPECT_TRUE(other.Lease(other.LeaseOf(100, 8), &leased).ok());
}

TEST_F(ShmHostile, BlocksWhoseLeaseIsRefusedDoNotCountAsSent) {
  Start({.dram_bytes = 16 << 20});
  RawSession session = Client();
  RawLine line(node_->door_path(), session.welcome().session);
  for (int seed = 0; seed < 8; ++seed) Put(session, 100 * seed, 8);
  v1::LeaseBlocksResponse leased;
  uint64_t granted = 0;
  for (int seed = 0; seed < 8; ++seed) {
    granted += line.Lease(session.LeaseOf(100 * seed, 8), &leased) == 0 ? 1 : 0;
  }
  ASSERT_LT(granted, 8u);
  // What a call does after its answer is done before the next one of its line.
  ASSERT_EQ(line.Lease(session.LeaseOf(4711, 1), &leased), 0u);

  uint64_t sent = 0;
  for (const CategoryStats& category : node_->store().stats().categories) {
    sent += category.get_blocks[0];
  }
  EXPECT_EQ(sent, 8 * granted);
}

TEST_F(ShmHostile, SessionsAndTheirStagingMemoryAreBounded) {
  Start({.sessions = {.max_sessions = 3, .max_staging_bytes = 2 * kStagingBytes}});
  RawSession first = Visitor(), second = Visitor(), third = Visitor();
  ASSERT_TRUE(first.Enter(kStagingBytes));
  ASSERT_TRUE(second.Enter(kStagingBytes));
  ASSERT_TRUE(third.Enter(kStagingBytes));
  EXPECT_EQ(third.welcome().staging_bytes, 0u) << "reads, and puts over the socket";

  RawSession fourth = Visitor();
  EXPECT_FALSE(fourth.Enter(0));
  EXPECT_EQ(fourth.welcome().status, HandshakeStatus::kFull);

  first.Die();
  WaitUntil([&] { return node_->shm().stats().sessions == 2; }, "the first is gone");
  RawSession fifth = Visitor();
  ASSERT_TRUE(fifth.Enter(kStagingBytes));
  EXPECT_EQ(fifth.welcome().staging_bytes, kStagingBytes);
}

// --- The handshake

TEST_F(ShmHostile, WhateverIsNotAHelloIsRefused) {
  Start();
  const std::vector<uint8_t> hello = EncodeHello({.staging_bytes = 4096});
  for (size_t at = 0; at < 8; ++at) {
    std::vector<uint8_t> damaged = hello;
    damaged[at] ^= 0x40;
    RawSession visitor = Visitor();
    ASSERT_TRUE(visitor.Say(damaged));
    const auto answer = DecodeWelcome(visitor.answer().bytes);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, HandshakeStatus::kMalformed) << at;
    EXPECT_TRUE(visitor.answer().descriptors.empty());
  }
  RawSession too_long = Visitor();
  EXPECT_FALSE(too_long.Say(std::vector<uint8_t>(kMaxHandshakeBytes + 1, 1)));
  RawSession with_descriptors = Visitor();
  ASSERT_TRUE(with_descriptors.Say(hello, {0, 1}));
  EXPECT_EQ(DecodeWelcome(with_descriptors.answer().bytes)->status, HandshakeStatus::kMalformed);
  EXPECT_EQ(node_->shm().stats().sessions, 0u);
}

TEST_F(ShmHostile, AClientThatTalksAfterItsHelloIsShownOut) {
  Start();
  RawSession session = Client();

  EXPECT_FALSE(session.Say(EncodeHello({})));

  WaitUntil([&] { return node_->shm().stats().sessions == 0; }, "the session is gone");
}

// Becomes nobody, with a supplementary group, and enters. Exits with 0 if it was welcome, 1 if not.
void EnterAsNobody(const std::string& path, gid_t extra_group) {
  constexpr uid_t kNobody = 65534;
  if (setgroups(1, &extra_group) != 0 || setgid(kNobody) != 0 || setuid(kNobody) != 0) _exit(2);
  RawSession visitor(path, "");
  // It may be shown out before it has said anything.
  const bool welcome = visitor.Enter(4096);
  _exit(welcome && visitor.answer().descriptors.size() == 3 ? 0 : 1);
}

TEST_F(ShmHostile, AnotherUserIsRefusedUnlessHeOrOneOfHisGroupsIsAllowed) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  constexpr uint32_t kNobody = 65534;
  constexpr uint32_t kExtraGroup = 54321;
  struct Case {
    PeerPolicy peers;
    bool allowed = false;
  };
  const Case cases[] = {{PeerPolicy::OwnRootAnd({}, {}), false},
                        {PeerPolicy::OwnRootAnd({kNobody}, {}), true},
                        {PeerPolicy::OwnRootAnd({}, {kExtraGroup}), true},
                        {PeerPolicy::OwnRootAnd({kNobody + 1}, {kExtraGroup + 1}), false}};
  for (const Case& one : cases) {
    node_.reset();
    Start({.peers = one.peers});
    // So that the modes are not what keeps it out.
    ASSERT_EQ(chmod(directory_.path().c_str(), 0755), 0);
    ASSERT_EQ(chmod(node_->door_path().c_str(), 0666), 0);
    const std::string path = node_->door_path();

    const pid_t child = fork();
    if (child == 0) EnterAsNobody(path, kExtraGroup);
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);

    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), one.allowed ? 0 : 1);
    EXPECT_EQ(node_->shm().stats().refused_peers, one.allowed ? 0u : 1u);
  }
}

TEST_F(ShmHostile, WhoIsTurnedAwayIsCountedByReason) {
  Start({.sessions = {.max_sessions = 1}});
  RawSession first = Client();

  RawSession second(node_->door_path(), "");
  EXPECT_FALSE(second.Enter(4096));
  RawSession third(node_->door_path(), "");
  third.Say({1, 2, 3});

  const ShmStats stats = node_->shm().stats();
  EXPECT_TRUE(stats.offered);
  EXPECT_EQ(stats.sessions, 1u);
  EXPECT_EQ(stats.refused_full, 1u);
  EXPECT_EQ(stats.refused_malformed, 1u);
  EXPECT_EQ(stats.refused_peers, 0u);
}

}  // namespace
}  // namespace halflife
