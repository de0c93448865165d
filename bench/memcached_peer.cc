#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "bench/peer.h"
#include "bench/socket.h"

namespace halflife::bench {
namespace {

constexpr size_t kKeyBytes = 32;  // as long as a block hash
constexpr char kStored[] = "STORED\r\n";
constexpr char kTail[] = "\r\nEND\r\n";

class MemcachedPeer final : public Peer {
 public:
  MemcachedPeer(const Work& work, FileDescriptor socket)
      : block_bytes_(work.block_bytes),
        keys_(work.distinct_blocks),
        value_head_bytes_(
            std::strlen("VALUE ") + kKeyBytes +
            static_cast<size_t>(std::snprintf(nullptr, 0, " 0 %zu\r\n", work.block_bytes))),
        socket_(std::move(socket)) {}

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    calls_.Begin();
    pending_.push_back({nullptr, count});
    std::vector<std::string> heads(count);
    std::vector<iovec> pieces;
    for (uint32_t i = 0; i < count; ++i) {
      heads[i] = "set " + Key(first + i) + " 0 0 " + std::to_string(block_bytes_) + "\r\n";
      pieces.push_back({heads[i].data(), heads[i].size()});
      pieces.push_back({const_cast<uint8_t*>(source) + i * block_bytes_, block_bytes_});
      pieces.push_back({const_cast<char*>("\r\n"), 2});
    }
    return SendAll(socket_.get(), std::move(pieces));
  }

  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    calls_.Begin();
    pending_.push_back({target, count});
    std::string commands;
    for (uint32_t i = 0; i < count; ++i) commands += "get " + Key(first + i) + "\r\n";
    return SendAll(socket_.get(), {{commands.data(), commands.size()}});
  }

  int64_t Await() override {
    const Pending call = pending_.front();
    pending_.pop_front();
    return calls_.End(call.target == nullptr ? ReceiveStored(call.count)
                                             : ReceiveValues(call.target, call.count));
  }

  bool Clear() override {
    char answer[4];
    return SendAll(socket_.get(), {{const_cast<char*>("flush_all\r\n"), 11}}) &&
           ReceiveAll(socket_.get(), {{answer, sizeof answer}}) &&
           std::memcmp(answer, "OK\r\n", sizeof answer) == 0;
  }

 private:
  struct Pending {
    uint8_t* target = nullptr;  // null: a put
    uint32_t count = 0;
  };

  std::string Key(uint32_t block) const {
    char key[kKeyBytes + 1];
    std::snprintf(key, sizeof key, "%0*x", static_cast<int>(kKeyBytes), block % keys_);
    return {key, kKeyBytes};
  }

  bool ReceiveStored(uint32_t count) {
    std::string answers(count * std::strlen(kStored), 0), expected;
    for (uint32_t i = 0; i < count; ++i) expected += kStored;
    return ReceiveAll(socket_.get(), {{answers.data(), answers.size()}}) && answers == expected;
  }

  // All values in one call. A miss is shorter: then the socket's timeout ends the benchmark.
  bool ReceiveValues(uint8_t* target, uint32_t count) {
    std::string heads(count * value_head_bytes_, 0), tails(count * std::strlen(kTail), 0);
    std::vector<iovec> pieces;
    for (uint32_t i = 0; i < count; ++i) {
      pieces.push_back({heads.data() + i * value_head_bytes_, value_head_bytes_});
      pieces.push_back({target + i * block_bytes_, block_bytes_});
      pieces.push_back({tails.data() + i * std::strlen(kTail), std::strlen(kTail)});
    }
    return ReceiveAll(socket_.get(), std::move(pieces)) && heads.rfind("VALUE ", 0) == 0 &&
           tails.compare(tails.size() - std::strlen(kTail), std::string::npos, kTail) == 0;
  }

  const size_t block_bytes_;
  const uint32_t keys_;
  const size_t value_head_bytes_;
  const FileDescriptor socket_;
  CallsInOrder calls_;
  std::deque<Pending> pending_;
};

}  // namespace

std::unique_ptr<Peer> MakeMemcachedPeer(const Work& work, const std::string& endpoint) {
  FileDescriptor socket = Connect(endpoint);
  if (!socket) {
    std::fprintf(stderr, "memcached at %s: no connection\n", endpoint.c_str());
    return nullptr;
  }
  return std::make_unique<MemcachedPeer>(work, std::move(socket));
}

}  // namespace halflife::bench
