#include <cstdio>
#include <deque>

#include "bench/peer.h"
#include "bench/raw_wire.h"
#include "bench/socket.h"

namespace halflife::bench {
namespace {

class RawPeer final : public Peer {
 public:
  RawPeer(const Work& work, FileDescriptor socket)
      : block_bytes_(work.block_bytes),
        blocks_(static_cast<uint32_t>(kRawMemoryBytes / work.block_bytes)),
        socket_(std::move(socket)) {}

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    calls_.Begin();
    pending_.push_back({});
    RawRequest request = RequestFor(RawRequest::kPut, first, count);
    return SendAll(socket_.get(),
                   {{&request, sizeof request}, {const_cast<uint8_t*>(source), request.bytes}});
  }
  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    calls_.Begin();
    RawRequest request = RequestFor(RawRequest::kGet, first, count);
    pending_.push_back({target, request.bytes});
    return SendAll(socket_.get(), {{&request, sizeof request}});
  }
  int64_t Await() override {
    const Pending call = pending_.front();
    pending_.pop_front();
    uint64_t answer = 0;
    return calls_.End(call.target == nullptr
                          ? ReceiveAll(socket_.get(), {{&answer, sizeof answer}})
                          : ReceiveAll(socket_.get(), {{call.target, call.bytes}}));
  }

 private:
  struct Pending {
    uint8_t* target = nullptr;  // null: a put
    size_t bytes = 0;
  };

  RawRequest RequestFor(RawRequest::Kind kind, uint32_t first, uint32_t count) const {
    return {kind, first % blocks_ * uint64_t{block_bytes_}, count * uint64_t{block_bytes_}};
  }

  const size_t block_bytes_;
  const uint32_t blocks_;
  const FileDescriptor socket_;
  CallsInOrder calls_;
  std::deque<Pending> pending_;
};

}  // namespace

std::unique_ptr<Peer> MakeRawPeer(const Work& work, const std::string& endpoint) {
  FileDescriptor socket = Connect(endpoint);
  if (!socket) {
    std::fprintf(stderr, "limit_server at %s: no connection\n", endpoint.c_str());
    return nullptr;
  }
  return std::make_unique<RawPeer>(work, std::move(socket));
}

}  // namespace halflife::bench
