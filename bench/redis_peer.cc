#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {
namespace {

constexpr size_t kKeyBytes = 32;  // as long as a block hash

class RedisPeer final : public Peer {
 public:
  RedisPeer(const Work& work, redisContext* context)
      : block_bytes_(work.block_bytes), keys_(work.distinct_blocks), context_(context) {}
  ~RedisPeer() override { redisFree(context_); }

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    Begin({.kind = Kind::kPut, .count = count});
    for (uint32_t i = 0; i < count; ++i) {
      const std::string key = Key(first + i);
      const char* argv[] = {"SET", key.data(),
                            reinterpret_cast<const char*>(source + i * block_bytes_)};
      const size_t lengths[] = {3, kKeyBytes, block_bytes_};
      if (redisAppendCommandArgv(context_, 3, argv, lengths) != REDIS_OK) return false;
    }
    return Send();
  }

  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    Begin({.kind = Kind::kGet, .count = count, .target = target});
    for (uint32_t i = 0; i < count; ++i) {
      const std::string key = Key(first + i);
      const char* argv[] = {"GET", key.data()};
      const size_t lengths[] = {3, kKeyBytes};
      if (redisAppendCommandArgv(context_, 2, argv, lengths) != REDIS_OK) return false;
    }
    return Send();
  }

  bool StartLookup(uint32_t first, uint32_t count) override {
    Begin({.kind = Kind::kExists, .count = count});
    std::vector<std::string> keys;
    for (uint32_t i = 0; i < count; ++i) keys.push_back(Key(first + i));
    std::vector<const char*> argv = {"EXISTS"};
    std::vector<size_t> lengths = {6};
    for (const std::string& key : keys) {
      argv.push_back(key.data());
      lengths.push_back(kKeyBytes);
    }
    return redisAppendCommandArgv(context_, static_cast<int>(argv.size()), argv.data(),
                                  lengths.data()) == REDIS_OK &&
           Send();
  }

  int64_t Await() override {
    const Pending call = pending_.front();
    pending_.pop_front();
    const uint32_t replies = call.kind == Kind::kExists ? 1 : call.count;
    bool good = true;
    for (uint32_t i = 0; i < replies && good; ++i) {
      void* reply = nullptr;
      if (redisGetReply(context_, &reply) != REDIS_OK) return -1;
      good = TakeReply(call, i, *static_cast<redisReply*>(reply));
      freeReplyObject(reply);
    }
    return calls_.End(good);
  }

  bool Clear() override {
    if (redisAppendCommand(context_, "FLUSHALL") != REDIS_OK) return false;
    Begin({.kind = Kind::kPut, .count = 1});
    return Await() >= 0;
  }

 private:
  enum class Kind { kPut, kGet, kExists };
  struct Pending {
    Kind kind = Kind::kPut;
    uint32_t count = 0;
    uint8_t* target = nullptr;
  };

  void Begin(const Pending& call) {
    calls_.Begin();
    pending_.push_back(call);
  }

  // hiredis would send with the next reply only, and so never have two calls outstanding.
  bool Send() {
    int all_sent = 0;
    while (all_sent == 0) {
      if (redisBufferWrite(context_, &all_sent) != REDIS_OK) return false;
    }
    return true;
  }

  bool TakeReply(const Pending& call, uint32_t i, const redisReply& reply) const {
    switch (call.kind) {
      case Kind::kPut:
        return reply.type == REDIS_REPLY_STATUS;
      case Kind::kExists:
        return reply.type == REDIS_REPLY_INTEGER && reply.integer == int64_t{call.count};
      case Kind::kGet:
        break;
    }
    if (reply.type != REDIS_REPLY_STRING || reply.len != block_bytes_) return false;
    std::memcpy(call.target + i * block_bytes_, reply.str, reply.len);
    return true;
  }

  std::string Key(uint32_t block) const {
    char key[kKeyBytes + 1];
    std::snprintf(key, sizeof key, "%0*x", static_cast<int>(kKeyBytes), block % keys_);
    return {key, kKeyBytes};
  }

  const size_t block_bytes_;
  const uint32_t keys_;
  redisContext* const context_;
  CallsInOrder calls_;
  std::deque<Pending> pending_;
};

}  // namespace

std::unique_ptr<Peer> MakeRedisPeer(const Work& work, const std::string& endpoint) {
  redisContext* context = nullptr;
  if (endpoint.rfind("unix://", 0) == 0) {
    context = redisConnectUnix(endpoint.c_str() + 7);
  } else {
    const size_t colon = endpoint.rfind(':');
    context =
        redisConnect(endpoint.substr(0, colon).c_str(), std::atoi(endpoint.c_str() + colon + 1));
  }
  if (context == nullptr || context->err != 0) {
    std::fprintf(stderr, "redis at %s: %s\n", endpoint.c_str(),
                 context ? context->errstr : "out of memory");
    if (context != nullptr) redisFree(context);
    return nullptr;
  }
  return std::make_unique<RedisPeer>(work, context);
}

}  // namespace halflife::bench
