#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "common/endian.h"
#include "tests/client/client_fixture.h"
#include "tests/server/shm/raw_session.h"
#include "tests/server/shm/shm_node.h"

namespace halflife {
namespace {

constexpr uint64_t kBlockBytes = 16 << 10;
constexpr int kBlocks = 6;

// Leases of a chain of which not all is here: whoever asks for its blocks finds each at its index,
// in whatever order the lease was taken.
class LeaseHoles : public testing::Test {
 protected:
  struct Got {
    uint32_t index, part;
    v1::BlockStatus status;
    int content;  // of all its bytes; -1 for a miss

    friend bool operator==(const Got&, const Got&) = default;
  };

  // Puts `parts` parts of the blocks of chain 1, each full of one byte.
  void Start(uint32_t parts) {
    node_.emplace(directory_.socket());
    session_.emplace(node_->door_path(), directory_.socket());
    ASSERT_TRUE(session_->Enter(1 << 20));
    NamespaceDescriptor model;
    model.engine = "test";
    model.model_name = "holes";
    model.tokens_per_block = 4;
    model.block_bytes = kBlockBytes;
    model.parts = parts;
    session_->OpenNamespace(model);
    stub_ = v1::CacheService::NewStub(
        grpc::CreateChannel("unix:" + directory_.socket(), grpc::InsecureChannelCredentials()));
    Put(parts);
  }

  static uint8_t Content(uint32_t index, uint32_t part) {
    return static_cast<uint8_t>(16 * index + part + 1);
  }

  // Takes a lease of the chain with these blocks replaced by some that nobody has.
  uint64_t Lease(const std::vector<uint32_t>& holes, v1::Order order) {
    v1::LeaseBlocksRequest request = session_->LeaseOf(1, kBlocks);
    std::string& hashes = *request.mutable_get()->mutable_chain()->mutable_hashes();
    for (const uint32_t hole : holes) hashes[32 * hole] ^= 1;
    request.mutable_get()->set_order(order);
    v1::LeaseBlocksResponse response;
    EXPECT_TRUE(session_->Lease(request, &response).ok());
    return response.lease_id();
  }

  std::vector<Got> Get(const v1::GetRequest& request) {
    grpc::ClientContext context;
    const auto reader = stub_->Get(&context, request);
    std::vector<Got> got;
    v1::GetResponse response;
    while (reader->Read(&response)) {
      const v1::Frame& frame = response.frame();
      const std::string& bytes = frame.payload();
      const bool uniform = bytes == std::string(bytes.size(), bytes.empty() ? 0 : bytes[0]);
      EXPECT_TRUE(uniform);
      got.push_back({frame.index(), frame.part(), frame.status(),
                     bytes.empty() ? -1 : static_cast<uint8_t>(bytes[0])});
    }
    EXPECT_TRUE(reader->Finish().ok());
    return got;
  }

  static Got Hit(uint32_t index, uint32_t part = 0) {
    return {index, part, v1::BLOCK_STATUS_UNSPECIFIED, Content(index, part)};
  }
  static Got Miss(uint32_t index, uint32_t part = 0) {
    return {index, part, v1::BLOCK_STATUS_MISS, -1};
  }

 private:
  void Put(uint32_t parts) {
    uint8_t* const staging = session_->MapStaging();
    v1::CommitBlocksRequest request = session_->CommitOf(1, kBlocks);
    request.clear_blocks();
    for (uint32_t i = 0; i < kBlocks * parts; ++i) {
      BlockIdentity identity = session_->IdentityOf(1, static_cast<int>(i / parts));
      identity.part = static_cast<uint16_t>(i % parts);
      uint8_t* const block = staging + i * kBlockBytes;
      std::memset(block, Content(i / parts, i % parts), kBlockBytes);
      const Digest128 checksum = PayloadChecksum(identity, {block, kBlockBytes});
      auto* const staged = request.add_blocks();
      staged->set_offset(i * kBlockBytes);
      staged->set_checksum_low(LoadLe64(checksum.data()));
      staged->set_checksum_high(LoadLe64(checksum.data() + 8));
    }
    v1::CommitBlocksResponse response;
    const grpc::Status status = session_->Commit(request, &response);
    munmap(staging, session_->welcome().staging_bytes);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_EQ(response.stored(), kBlocks * parts);
  }

 protected:
  client::SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::optional<RawSession> session_;
  std::unique_ptr<v1::CacheService::Stub> stub_;
};

TEST_F(LeaseHoles, AGetOfALeaseTakenDescendingFindsEachBlockAtItsIndex) {
  Start(1);
  v1::GetRequest request;
  request.set_lease_id(Lease({1, 4}, v1::ORDER_DESC));

  request.set_order(v1::ORDER_DESC);
  EXPECT_EQ(Get(request), (std::vector<Got>{Hit(5), Miss(4), Hit(3), Hit(2), Miss(1), Hit(0)}));
  request.set_order(v1::ORDER_ASC);
  EXPECT_EQ(Get(request), (std::vector<Got>{Hit(0), Miss(1)}));
  request.set_first(2);
  request.set_count(2);
  EXPECT_EQ(Get(request), (std::vector<Got>{Hit(2), Hit(3)}));
}

TEST_F(LeaseHoles, AHoleIsOneOfAllPartsOrOfSome) {
  Start(2);
  ASSERT_EQ(node_->store().stats().leases, 0);
  v1::GetRequest request;
  request.set_lease_id(Lease({0, 5}, v1::ORDER_DESC));
  request.set_order(v1::ORDER_DESC);
  request.mutable_parts()->set_first(1);
  request.mutable_parts()->set_count(1);

  EXPECT_EQ(Get(request),
            (std::vector<Got>{Miss(5, 1), Hit(4, 1), Hit(3, 1), Hit(2, 1), Hit(1, 1), Miss(0, 1)}));
}

TEST_F(LeaseHoles, ALeaseOfALeaseKeepsTheHoles) {
  Start(1);
  v1::LeaseBlocksRequest again = session_->LeaseOf(1, kBlocks);
  again.mutable_get()->clear_chain();
  again.mutable_get()->set_lease_id(Lease({2}, v1::ORDER_DESC));
  again.mutable_get()->set_first(1);
  again.mutable_get()->set_order(v1::ORDER_DESC);
  v1::LeaseBlocksResponse response;
  ASSERT_TRUE(session_->Lease(again, &response).ok());

  ASSERT_EQ(response.blocks_size(), kBlocks - 1);
  EXPECT_EQ(response.blocks(3).status(), v1::BLOCK_STATUS_MISS);
  v1::GetRequest request;
  request.set_lease_id(response.lease_id());
  request.set_order(v1::ORDER_DESC);
  const std::vector<Got> got = Get(request);
  ASSERT_EQ(got.size(), 5);
  EXPECT_EQ(got[0].content, Content(5, 0));
  EXPECT_EQ(got[3], Miss(1));
  EXPECT_EQ(got[4].content, Content(1, 0));
  EXPECT_EQ(node_->store().CheckConservation(), "");
}

}  // namespace
}  // namespace halflife
