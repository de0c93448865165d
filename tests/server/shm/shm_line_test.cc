#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>
#include <thread>
#include <vector>

#include "common/check.h"
#include "server/shm/shm_lines.h"
#include "tests/client/client_fixture.h"
#include "tests/fakes/manual_executor.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/raw_session.h"
#include "tests/server/shm/shm_node.h"

namespace halflife {
namespace {

using client::Buffers;
using client::Chain;

constexpr uint32_t kUnauthenticated = 16;
constexpr uint32_t kInvalidArgument = 3;

NamespaceDescriptor Model() {
  NamespaceDescriptor model;
  model.engine = "test";
  model.model_name = "lines";
  model.tokens_per_block = 4;
  model.block_bytes = 8192;
  return model;
}

// Calls that go without gRPC.
class ShmLineTest : public testing::Test {
 protected:
  void Start(const ShmNode::Options& options = {}) { node_.emplace(directory_.socket(), options); }
  RawSession Client() {
    RawSession session(node_->door_path(), directory_.socket());
    EXPECT_TRUE(session.Enter(1 << 20));
    session.OpenNamespace(Model());
    return session;
  }
  RawLine LineOf(const RawSession& session) {
    return {node_->door_path(), session.welcome().session};
  }
  std::unique_ptr<client::Client> OpenClient() {
    auto opened = client::Client::Open(client::Patient(directory_.endpoint()));
    EXPECT_TRUE(opened->AwaitSharedMemory(std::chrono::seconds(20)));
    return opened;
  }

  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
};

TEST_F(ShmLineTest, GetsAndPutsOfAClientTakeLinesAndKeepThem) {
  Start();
  const auto client = OpenClient();
  const client::NamespaceHandle ns = client->OpenNamespace(client::SmallNamespace());
  const auto chain = Chain(1, 100);
  Buffers from(chain);
  from.FillWithPayload();
  ASSERT_EQ(client->Lookup(client::LookupOf(ns, chain)).outcome, client::Outcome::kOk);
  ASSERT_EQ(client->Put(client::PutOf(ns, from)).stored, 100u);

  for (int call = 0; call < 10; ++call) {
    Buffers into(chain);
    ASSERT_EQ(client->Get(client::GetOf(ns, into)).ok_items, 100u);
    ASSERT_TRUE(into.HoldsPayload(99));
  }

  const ShmStats stats = node_->shm().stats();
  EXPECT_GE(stats.lines, 1u);
  EXPECT_LE(stats.lines, 2u) << "of a Put two calls are under way";
  EXPECT_EQ(stats.leases, 10u);
  EXPECT_EQ(client->stats().shm_fallbacks, 0u);
}

TEST_F(ShmLineTest, CallersOfManyThreadsHaveALineEachAndOneAboveThemAll) {
  Start();
  const auto client = OpenClient();
  const client::NamespaceHandle ns = client->OpenNamespace(client::SmallNamespace());
  const auto chain = Chain(2, 32);
  Buffers from(chain);
  from.FillWithPayload();
  ASSERT_EQ(client->Lookup(client::LookupOf(ns, chain)).outcome, client::Outcome::kOk);
  ASSERT_EQ(client->Put(client::PutOf(ns, from)).stored, 32u);

  std::vector<std::thread> threads;
  std::atomic<uint64_t> good{0};
  for (int t = 0; t < 20; ++t) {
    threads.emplace_back([&] {
      for (int call = 0; call < 20; ++call) {
        Buffers into(chain);
        const client::GetResult got = client->Get(client::GetOf(ns, into));
        if (got.ok_items == 32 && into.HoldsPayload(0) && into.HoldsPayload(31)) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(good, 400u);
  EXPECT_LE(node_->shm().stats().lines, 16u);
}

TEST_F(ShmLineTest, BlocksOnSsdComeOverALineToo) {
  Start({.dram_bytes = 16 << 20, .with_ssd = true});
  const auto client = OpenClient();
  constexpr uint64_t kBlock = 256 << 10;
  client::Namespace model = client::SmallNamespace();
  model.block_bytes = kBlock;
  const client::NamespaceHandle ns = client->OpenNamespace(model);
  for (uint32_t number = 0; number < 40; ++number) {
    Buffers from(Chain(number, 4), 1, kBlock);
    from.FillWithPayload();
    client->Lookup(client::LookupOf(ns, Chain(number, 4)));
    client->Put(client::PutOf(ns, from));
    node_->store().Quiesce();
  }

  Buffers into(Chain(0, 4), 1, kBlock);
  const client::GetResult got = client->Get(client::GetOf(ns, into));

  ASSERT_EQ(got.ok_items, 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(into.HoldsPayload(i));
  EXPECT_GT(node_->store().stats().promoted_blocks, 0u);
  EXPECT_EQ(client->stats().shm_fallbacks, 0u);
}

TEST_F(ShmLineTest, ALineNeedsTheTokenOfASessionThatIsOpen) {
  Start();
  RawSession session = Client();
  SessionToken wrong = session.welcome().session;
  wrong[0] ^= 1;

  EXPECT_FALSE(RawLine(node_->door_path(), wrong).ok());
  RawLine line = LineOf(session);
  ASSERT_TRUE(line.ok());
  v1::LeaseBlocksResponse response;
  EXPECT_EQ(line.Lease(session.LeaseOf(1, 2), &response), 0u);
  session.Die();
  WaitUntil([&] { return node_->shm().stats().sessions == 0; }, "the session is gone");

  EXPECT_EQ(line.Lease(session.LeaseOf(1, 2), &response), kUnauthenticated);
  EXPECT_FALSE(LineOf(session).ok());
  EXPECT_EQ(node_->leases(), 0u);
}

TEST_F(ShmLineTest, ALineHasTheSameLimitsAsGrpc) {
  Start();
  RawSession session = Client();
  RawLine line = LineOf(session);
  v1::LeaseBlocksResponse response;

  EXPECT_EQ(line.Lease(session.LeaseOf(1, 129), &response), kInvalidArgument);
  EXPECT_EQ(line.Lease(session.LeaseOf(1, 128), &response), 0u);
  EXPECT_EQ(response.blocks_size(), 128);
}

TEST_F(ShmLineTest, WhatIsNoCallEndsTheLineAndNothingElse) {
  Start();
  RawSession session = Client();
  for (const std::string& packet : {std::string("x"), std::string(kMaxLineBytes + 1, 'H'),
                                    std::string("HLLC\x09\0\0\0\x01\0\0\0", 12)}) {
    RawLine line = LineOf(session);
    ASSERT_TRUE(line.Say(packet));
    EXPECT_EQ(line.Hear(), "");
  }
  RawLine line = LineOf(session);
  ASSERT_TRUE(line.Say(std::string("HLLC\x01\0\0\0\x01\0\0\0\xff\xff", 14)));
  EXPECT_EQ(DecodeLineAnswer(line.Hear())->code, kInvalidArgument) << "a head, and no message";

  v1::LeaseBlocksResponse response;
  EXPECT_EQ(line.Lease(session.LeaseOf(1, 1), &response), 0u);
  EXPECT_EQ(node_->shm().stats().sessions, 1u);
}

TEST_F(ShmLineTest, ASessionHasSoManyLinesAndNotOneMore) {
  Start();
  RawSession session = Client();
  std::vector<std::unique_ptr<RawLine>> lines;
  for (int i = 0; i < 16; ++i) {
    lines.push_back(std::make_unique<RawLine>(node_->door_path(), session.welcome().session));
    ASSERT_TRUE(lines.back()->ok());
  }
  WaitUntil([&] { return node_->shm().stats().lines == 16; }, "all are taken");

  RawLine more = LineOf(session);
  EXPECT_EQ(more.Hear(), "") << "shown out";

  lines.pop_back();
  WaitUntil([&] { return node_->shm().stats().lines == 15; }, "one has gone");
  v1::LeaseBlocksResponse response;
  EXPECT_EQ(LineOf(session).Lease(session.LeaseOf(1, 1), &response), 0u);
}

TEST_F(ShmLineTest, LinesOfSessionsThatAreGoneMakeRoomForOthers) {
  Start();
  ManualExecutor io;
  ShmSessions sessions({});
  ShmEnvironment environment(node_->store(), io, sessions, 1 << 20);
  const auto lines = *ShmLines::Open({.max_lines = 2}, environment);
  std::vector<FileDescriptor> clients;
  const auto add_line_of = [&](const ShmSessionRef& session) {
    int ends[2];
    HL_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    clients.emplace_back(ends[0]);
    return lines->Add(FileDescriptor(ends[1]), session);
  };
  const ShmSessionRef gone = *sessions.Open(0), session = *sessions.Open(0);
  ASSERT_TRUE(add_line_of(gone).ok());
  ASSERT_TRUE(add_line_of(gone).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(add_line_of(session)));

  sessions.Close(gone);

  EXPECT_TRUE(add_line_of(session).ok());
  EXPECT_EQ(lines->count(), 1u);
}

}  // namespace
}  // namespace halflife
