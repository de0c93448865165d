#pragma once

#include <vector>

#include "tests/server/rpc/fetch_caller.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {

// A server that has one chain of blocks, for those who fetch it.
class FetchFixture : public RpcFixture {
 protected:
  void Serve(int blocks, uint64_t block_bytes = kBlockBytes, uint32_t parts = 1) {
    StartServer();
    Open(Model(block_bytes, parts));
    chain_ = Chain(1, blocks);
    ASSERT_TRUE(PutChain(chain_).status.ok());
    // The caller hears of the end before the server has counted it.
    WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the Put to be over");
  }
  v1::GetRequest Descending() const { return GetOf(chain_, v1::ORDER_DESC); }
  void ExpectNothingHeld() {
    WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the stream to end");
    WaitUntil([&] { return server_->stats().frame_bytes == 0; }, "frames to be let go");
    EXPECT_EQ(server_->stats().inflight_get_bytes, 0);
  }

  std::vector<BlockHash> chain_;
};

}  // namespace halflife
