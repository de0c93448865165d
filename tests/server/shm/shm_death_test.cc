#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "tests/client/client_fixture.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/shm_client_process.h"
#include "tests/server/shm/shm_node.h"

namespace halflife {
namespace {

using client::Buffers;
using client::Chain;

// Clients in processes of their own that die or stand still.
class ShmDeath : public testing::Test {
 protected:
  void Start(const ShmNode::Options& options) {
    node_.emplace(directory_.socket(), options);
    writer_ = client::Client::Open(client::Patient(directory_.endpoint()));
    client::Namespace model = client::SmallNamespace();
    model.block_bytes = kRoleBlockBytes;
    ns_ = writer_->OpenNamespace(model);
    PutChain(kRoleChain);
  }

  void PutChain(uint32_t number) {
    Buffers from(Chain(number, kRoleBlocks), 1, kRoleBlockBytes);
    from.FillWithPayload();
    writer_->Put(client::PutOf(ns_, from));
  }

  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::unique_ptr<client::Client> writer_;
  client::NamespaceHandle ns_;
};

TEST_F(ShmDeath, AKilledClientsLeasesAreFreeWithinASecond) {
  Start({});
  ShmClientProcess holder("hold", directory_.endpoint());
  ASSERT_TRUE(holder.Hears("holding"));
  ASSERT_EQ(node_->leases(), 1u);
  ASSERT_EQ(node_->store().stats().leased_bytes, kRoleBlocks * kRoleBlockBytes);

  holder.Kill();
  const auto died = std::chrono::steady_clock::now();
  WaitUntil([&] { return node_->leases() == 0; }, "the lease goes with its client");

  EXPECT_LT(std::chrono::steady_clock::now() - died, std::chrono::seconds(1));
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

TEST_F(ShmDeath, AClientThatIsStoppedInACopyPastItsLeaseGetsNoWrongByte) {
  Start({.dram_bytes = 40 << 20});
  ShmClientProcess reader("read", directory_.endpoint());
  const auto chain = Chain(kRoleChain, kRoleBlocks);
  uint32_t other = 1000;
  for (int round = 1; round <= 12; ++round) {
    PutChain(kRoleChain);
    reader.Go();
    ASSERT_TRUE(reader.Hears("in the copy"));
    reader.AwaitStop();

    // Its lease runs out, its blocks go, and their memory becomes other blocks'.
    ASSERT_EQ(node_->leases(), 1u);
    node_->ExpireLeases();
    ASSERT_EQ(node_->leases(), 0u);
    ASSERT_EQ(writer_->Delete(ns_, chain), kRoleBlocks);
    for (int i = 0; i < 8; ++i) PutChain(other++);
    reader.Continue();

    ASSERT_TRUE(reader.Hears("checked, fallbacks " + std::to_string(round)))
        << "it must notice, and ask again over the socket";
  }
  EXPECT_EQ(reader.Finish(), 0);
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

}  // namespace
}  // namespace halflife
