#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/executor.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "server/rpc/rpc_server.h"
#include "tests/fakes/manual_clock.h"
#include "tests/server/rpc/fake_block_store.h"
#include "tests/server/rpc/wait_until.h"

namespace halflife {

// A server on a Unix socket in a directory of its own, over a FakeBlockStore, and a client made of
// the generated stubs: what passes here is what any gRPC client sees.
class RpcFixture : public testing::Test {
 protected:
  static constexpr uint64_t kBlockBytes = 64 << 10;

  RpcFixture();
  ~RpcFixture() override;

  // Options and store may be changed before.
  void StartServer();
  void StopServer();
  std::shared_ptr<grpc::Channel> NewChannel(grpc::ChannelArguments arguments = {}) const;

  // --- Domain of the tests
  static NamespaceDescriptor Model(uint64_t block_bytes = kBlockBytes, uint32_t parts = 1);
  // Opens it and makes it the namespace of the calls below.
  void Open(const NamespaceDescriptor& descriptor = Model());
  // Hashes of `blocks` blocks of conversation number `seed`.
  static std::vector<BlockHash> Chain(int seed, int blocks);
  // The bytes of one block, which depend on hash and part.
  std::string BytesOf(const BlockHash& hash, uint16_t part = 0) const;
  BlockAddress AddressOf(const BlockHash& hash, uint16_t part = 0) const;

  v1::PutRequest HeaderOf(const std::vector<BlockHash>& chain) const;
  // The frames of one block, as a client would cut them.
  std::vector<v1::PutRequest> FramesOf(uint32_t index, const BlockHash& hash,
                                       uint16_t part = 0) const;

  struct PutAnswer {
    grpc::Status status;
    v1::PutResponse response;
  };
  // Header and all frames of all parts.
  PutAnswer PutChain(const std::vector<BlockHash>& chain);
  // These messages, then WritesDone.
  PutAnswer PutMessages(const std::vector<v1::PutRequest>& messages);

  v1::GetRequest GetOf(const std::vector<BlockHash>& chain, v1::Order order = v1::ORDER_ASC) const;
  struct GotBlock {
    uint32_t index, part;
    v1::BlockStatus status;
    std::string bytes, checksum;
  };
  struct GetAnswer {
    grpc::Status status;
    std::vector<GotBlock> blocks;  // in the order of arrival
    size_t frames = 0;
    size_t largest_frame = 0;
  };
  GetAnswer Get(const v1::GetRequest& request);

  v1::LookupRequest LookupOf(const std::vector<BlockHash>& chain) const;
  std::pair<grpc::Status, v1::LookupResponse> Lookup(const v1::LookupRequest& request);

  uint64_t Handled(RpcMethod method, grpc::StatusCode code) const;
  // Lets time pass until no stream is open any more: one that is stalled may have moved a little
  // since it was seen last.
  void AdvanceUntilCut(absl::Duration step = absl::Seconds(6));

  std::string directory_;
  RpcServer::Options options_;
  ManualClock clock_;
  std::unique_ptr<FakeBlockStore> store_ = std::make_unique<FakeBlockStore>();
  BlockStore* serving_ = store_.get();  // what StartServer serves
  std::unique_ptr<Executor> io_ =
      std::make_unique<ThreadPool>(ThreadPool::Options{.name = "test-io"});
  std::unique_ptr<RpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::CacheService::Stub> stub_;
  NamespaceDescriptor descriptor_;
  NamespaceRef ns_;
};

}  // namespace halflife
