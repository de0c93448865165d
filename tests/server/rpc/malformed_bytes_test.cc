#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <random>

#include "halflife/v1/cache.pb.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

// Raw bytes as messages of every method, through the whole server. Whatever comes, it answers and
// lives.
class MalformedBytes : public RpcFixture {
 protected:
  static constexpr const char* kMethods[] = {"OpenNamespace", "Lookup", "Get",   "Fetch",  "Put",
                                             "Release",       "Renew",  "Touch", "Delete", "Hint"};

  // Sends the messages on one call and reads what comes until its end.
  grpc::Status Send(const std::string& method, const std::vector<std::string>& messages) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const auto call = stub.PrepareCall(&context, "/halflife.v1.CacheService/" + method, &queue);
    call->StartCall(this);
    bool ok = Wait(queue);
    for (size_t i = 0; ok && i < messages.size(); ++i) {
      const grpc::Slice slice(messages[i]);
      call->Write(grpc::ByteBuffer(&slice, 1), this);
      ok = Wait(queue);
    }
    if (ok) {
      call->WritesDone(this);
      Wait(queue);
    }
    grpc::ByteBuffer response;
    do {
      call->Read(&response, this);
    } while (Wait(queue));
    grpc::Status status;
    call->Finish(&status, this);
    Wait(queue);
    return status;
  }

  void ExpectAlive() {
    const auto chain = Chain(99, 1);
    EXPECT_TRUE(Lookup(LookupOf(chain)).first.ok());
    WaitUntil([&] { return server_->stats().open_streams() == 0; }, "streams to end");
    EXPECT_EQ(server_->stats().inflight_put_bytes, 0);
    EXPECT_EQ(server_->stats().inflight_get_bytes, 0);
  }

 private:
  static bool Wait(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return ok;
  }
};

TEST_F(MalformedBytes, BytesThatAreNoMessageAreInvalidArgumentForEveryMethod) {
  StartServer();
  Open();
  for (const char* method : kMethods) {
    for (const std::string& bytes :
         {std::string("\xff\xff\xff"), std::string("\x0a\xff\x01"), std::string(50, '\x0b')}) {
      const grpc::Status status = Send(method, {bytes});
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    }
  }
  ExpectAlive();
}

TEST_F(MalformedBytes, EmptyMessagesAreAnsweredByEveryMethod) {
  StartServer();
  Open();
  for (const char* method : kMethods) Send(method, {""});
  ExpectAlive();
}

TEST_F(MalformedBytes, TruncatedMessagesOfAPutAreRefusedAtEveryLength) {
  StartServer();
  NamespaceDescriptor small = Model(4096);
  Open(small);
  const auto chain = Chain(1, 1);
  const std::string header = HeaderOf(chain).SerializeAsString();
  const std::string frame = FramesOf(0, chain[0])[0].SerializeAsString();

  for (size_t size = 1; size < header.size(); size += 3) {
    EXPECT_FALSE(Send("Put", {header.substr(0, size), frame}).ok()) << size;
  }
  for (size_t size = 0; size < frame.size(); size += 97) {
    EXPECT_FALSE(Send("Put", {header, frame.substr(0, size)}).ok()) << size;
  }
  EXPECT_EQ(store_->resident_blocks(), 0);
  EXPECT_TRUE(Send("Put", {header, frame}).ok());
  EXPECT_EQ(store_->resident_blocks(), 1);
  ExpectAlive();
}

TEST_F(MalformedBytes, DamagedRequestsNeverCrashAndStoreNothingWrong) {
  StartServer();
  Open(Model(4096));
  const auto chain = Chain(1, 2);
  v1::FetchRequest fetch;
  *fetch.mutable_start()->mutable_get() = GetOf(chain);
  fetch.mutable_start()->set_window(2);
  const std::vector<std::string> valid = {
      LookupOf(chain).SerializeAsString(), GetOf(chain).SerializeAsString(),
      HeaderOf(chain).SerializeAsString(),
      FramesOf(0, chain[0])[0].SerializeAsString().substr(0, 60), fetch.SerializeAsString()};
  std::mt19937_64 random(7);

  for (int i = 0; i < 600; ++i) {
    std::string bytes = valid[random() % valid.size()];
    for (uint64_t flips = 1 + random() % 4; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    std::vector<std::string> messages = {bytes};
    if (random() % 2 == 0) messages.insert(messages.begin(), valid[2]);
    Send(kMethods[random() % std::size(kMethods)], messages);
  }

  EXPECT_EQ(store_->resident_blocks(), 0);
  EXPECT_EQ(store_->arena_stats().allocated_blocks, 0);
  // Deleting or opening namespaces may have succeeded by chance: open it again before asking.
  Open(Model(4096));
  ExpectAlive();
}

}  // namespace
}  // namespace halflife
