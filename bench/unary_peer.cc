#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <cstdio>

#include "bench/bench_rpc.h"
#include "bench/block_names.h"
#include "bench/peer.h"
#include "proto/wire/byte_buffer.h"

namespace halflife::bench {
namespace {

constexpr char kEmptyMethod[] = "/halflife.v1.CacheService/Release";
constexpr char kLookupMethod[] = "/halflife.v1.CacheService/Lookup";

// Unary calls as fast as gRPC lets one thread make them: bytes in, bytes out, one completion queue
// that the caller itself waits on.
class UnaryPeer : public Peer {
 public:
  explicit UnaryPeer(const std::string& endpoint)
      : channel_(BenchChannel(endpoint)), stub_(channel_) {}
  ~UnaryPeer() override { queue_.Shutdown(); }

  bool StartPut(uint32_t, uint32_t, const uint8_t*) override { return false; }
  bool StartGet(uint32_t, uint32_t, uint8_t*) override { return false; }
  int64_t Await() override {
    void* tag = nullptr;
    bool ok = false;
    if (!queue_.Next(&tag, &ok)) return -1;
    const std::unique_ptr<Call> call(static_cast<Call*>(tag));
    const int64_t took_ns = NowNs() - call->started_ns;
    if (!call->status.ok()) {
      std::fprintf(stderr, "unary call: %s\n", call->status.error_message().c_str());
      return -1;
    }
    return GoodAnswer(call->response, call->count) ? took_ns : -1;
  }

 protected:
  bool StartCall(const char* method, const grpc::ByteBuffer& request, uint32_t count) {
    auto call = std::make_unique<Call>();
    call->count = count;
    call->started_ns = NowNs();
    call->context.set_wait_for_ready(true);
    call->reader = stub_.PrepareUnaryCall(&call->context, method, request, &queue_);
    call->reader->StartCall();
    Call* const tag = call.release();  // Await takes it back
    tag->reader->Finish(&tag->response, &tag->status, tag);
    return true;
  }
  virtual bool GoodAnswer(const grpc::ByteBuffer& /*response*/, uint32_t /*count*/) const {
    return true;
  }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  struct Call {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
    grpc::ByteBuffer response;
    grpc::Status status;
    int64_t started_ns = 0;
    uint32_t count = 0;
  };

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
};

class EmptyCallPeer final : public UnaryPeer {
 public:
  using UnaryPeer::UnaryPeer;
  bool StartLookup(uint32_t, uint32_t count) override {
    return StartCall(kEmptyMethod, grpc::ByteBuffer(&empty_, 1), count);
  }

 private:
  const grpc::Slice empty_;
};

class BareLookupPeer final : public UnaryPeer {
 public:
  BareLookupPeer(const Work& work, const std::string& endpoint)
      : UnaryPeer(endpoint), block_bytes_(work.block_bytes) {}

  bool Open() {
    const auto stub = v1::CacheService::NewStub(channel());
    namespace_id_ = OpenBenchNamespace(*stub, BenchNamespace(block_bytes_));
    return !namespace_id_.empty();
  }

  bool StartLookup(uint32_t first, uint32_t count) override {
    v1::LookupRequest request;
    request.set_namespace_id(namespace_id_);
    std::string& hashes = *request.mutable_chain()->mutable_hashes();
    hashes.reserve(count * sizeof(client::Hash));
    for (uint32_t i = 0; i < count; ++i) {
      const client::Hash hash = HashOfBlock(first + i);
      hashes.append(hash.begin(), hash.end());
    }
    request.mutable_chain()->set_first_depth(first % kChainBlocks);
    return StartCall(kLookupMethod, SerializeMessage(request), count);
  }

 private:
  bool GoodAnswer(const grpc::ByteBuffer& response, uint32_t count) const override {
    v1::LookupResponse answer;
    return ParseMessage(response, answer).ok() && answer.prefix_blocks() == count;
  }

  const size_t block_bytes_;
  std::string namespace_id_;
};

}  // namespace

std::unique_ptr<Peer> MakeEmptyCallPeer(const std::string& endpoint) {
  return std::make_unique<EmptyCallPeer>(endpoint);
}

std::unique_ptr<Peer> MakeBareLookupPeer(const Work& work, const std::string& endpoint) {
  auto peer = std::make_unique<BareLookupPeer>(work, endpoint);
  return peer->Open() ? std::move(peer) : nullptr;
}

}  // namespace halflife::bench
