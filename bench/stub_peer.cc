#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "bench/bench_rpc.h"
#include "bench/block_names.h"
#include "bench/peer.h"
#include "common/block/block_id.h"
#include "common/limits.h"
#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::bench {
namespace {

// What a stranger writes against the .proto: blocking calls, generated messages, one thread.
class StubPeer final : public Peer {
 public:
  StubPeer(const Work& work, const std::string& endpoint)
      : block_bytes_(work.block_bytes), stub_(v1::CacheService::NewStub(BenchChannel(endpoint))) {}

  bool Open() {
    namespace_id_ = OpenBenchNamespace(*stub_, BenchNamespace(block_bytes_));
    return !namespace_id_.empty();
  }

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    calls_.Begin();
    grpc::ClientContext context;
    v1::PutResponse response;
    const auto writer = stub_->Put(&context, &response);
    v1::PutRequest header;
    header.mutable_header()->set_namespace_id(namespace_id_);
    *header.mutable_header()->mutable_chain() = ChainOf(first, count);
    bool good = writer->Write(header);
    for (uint32_t i = 0; i < count && good; ++i) {
      good = WriteBlock(*writer, first + i, i, source + i * block_bytes_);
    }
    good_ = writer->WritesDone() && writer->Finish().ok() && good &&
            response.stored() + response.duplicates() == count;
    return true;
  }

  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    calls_.Begin();
    grpc::ClientContext context;
    v1::GetRequest request;
    request.set_namespace_id(namespace_id_);
    *request.mutable_chain() = ChainOf(first, count);
    const auto reader = stub_->Get(&context, request);
    v1::GetResponse response;
    size_t received = 0;
    while (reader->Read(&response)) {
      const v1::Frame& frame = response.frame();
      const size_t at = frame.index() * block_bytes_ + frame.offset();
      if (at + frame.payload().size() > count * block_bytes_) return false;
      std::memcpy(target + at, frame.payload().data(), frame.payload().size());
      received += frame.payload().size();
    }
    good_ = reader->Finish().ok() && received == count * block_bytes_;
    return true;
  }

  int64_t Await() override { return calls_.End(good_); }

 private:
  static v1::Chain ChainOf(uint32_t first, uint32_t count) {
    v1::Chain chain;
    for (uint32_t i = 0; i < count; ++i) {
      const client::Hash hash = HashOfBlock(first + i);
      chain.mutable_hashes()->append(hash.begin(), hash.end());
    }
    chain.set_first_depth(first % kChainBlocks);
    if (chain.first_depth() > 0) {
      const client::Hash parent = HashOfBlock(first - 1);
      chain.mutable_parent()->assign(parent.begin(), parent.end());
    }
    return chain;
  }

  bool WriteBlock(grpc::ClientWriter<v1::PutRequest>& writer, uint32_t block, uint32_t index,
                  const uint8_t* bytes) const {
    BlockIdentity identity;
    std::copy(namespace_id_.begin(), namespace_id_.end(), identity.ns.bytes.begin());
    identity.hash.bytes = HashOfBlock(block);
    const Digest128 checksum = PayloadChecksum(identity, {bytes, block_bytes_});
    for (size_t at = 0; at < block_bytes_; at += kMaxFrameBytes) {
      v1::PutRequest request;
      v1::Frame& frame = *request.mutable_frame();
      frame.set_index(index);
      frame.set_offset(at);
      if (at == 0) {
        frame.set_block_bytes(block_bytes_);
        frame.set_checksum(checksum.data(), checksum.size());
      }
      frame.set_payload(bytes + at, std::min<size_t>(block_bytes_ - at, kMaxFrameBytes));
      if (!writer.Write(request)) return false;
    }
    return true;
  }

  const size_t block_bytes_;
  const std::unique_ptr<v1::CacheService::Stub> stub_;
  std::string namespace_id_;
  CallsInOrder calls_;
  bool good_ = false;
};

}  // namespace

std::unique_ptr<Peer> MakeStubPeer(const Work& work, const std::string& endpoint) {
  auto peer = std::make_unique<StubPeer>(work, endpoint);
  if (!peer->Open()) {
    std::fprintf(stderr, "halflife at %s: the stub cannot open a namespace\n", endpoint.c_str());
    return nullptr;
  }
  return peer;
}

}  // namespace halflife::bench
