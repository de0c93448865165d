#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;

class RedisPeer final : public Peer {
 public:
  RedisPeer(const Work& work, redisContext* context) : work_(work), context_(context) {
    // Redis overwrites: it needs no more keys than fit.
    const size_t most = std::max<size_t>(kMaxBytes / work.block_bytes, 512);
    for (uint32_t i = 0; i < work.blocks; ++i) {
      char key[33];
      std::snprintf(key, sizeof key, "%032zx", i % most);  // as long as a block hash
      keys_.emplace_back(key, 32);
    }
  }
  ~RedisPeer() override { redisFree(context_); }

  bool Put(uint32_t first, uint32_t count, const uint8_t* source) override {
    for (uint32_t i = 0; i < count; ++i) {
      const char* argv[] = {"SET", keys_[first + i].data(),
                            reinterpret_cast<const char*>(source + i * work_.block_bytes)};
      const size_t lengths[] = {3, 32, work_.block_bytes};
      if (redisAppendCommandArgv(context_, 3, argv, lengths) != REDIS_OK) return false;
    }
    return Replies(count,
                   [](redisReply* reply, uint32_t) { return reply->type == REDIS_REPLY_STATUS; });
  }

  bool Get(uint32_t first, uint32_t count, uint8_t* target) override {
    for (uint32_t i = 0; i < count; ++i) {
      const char* argv[] = {"GET", keys_[first + i].data()};
      const size_t lengths[] = {3, 32};
      if (redisAppendCommandArgv(context_, 2, argv, lengths) != REDIS_OK) return false;
    }
    return Replies(count, [&](redisReply* reply, uint32_t i) {
      if (reply->type != REDIS_REPLY_STRING || reply->len != work_.block_bytes) return false;
      std::memcpy(target + i * work_.block_bytes, reply->str, reply->len);
      return true;
    });
  }

  bool Lookup(uint32_t first, uint32_t count) override {
    std::vector<const char*> argv = {"EXISTS"};
    std::vector<size_t> lengths = {6};
    for (uint32_t i = 0; i < count; ++i) {
      argv.push_back(keys_[first + i].data());
      lengths.push_back(32);
    }
    if (redisAppendCommandArgv(context_, static_cast<int>(argv.size()), argv.data(),
                               lengths.data()) != REDIS_OK) {
      return false;
    }
    return Replies(1, [&](redisReply* reply, uint32_t) {
      return reply->type == REDIS_REPLY_INTEGER && reply->integer == static_cast<int64_t>(count);
    });
  }

  bool Clear() override {
    if (redisAppendCommand(context_, "FLUSHALL") != REDIS_OK) return false;
    return Replies(1,
                   [](redisReply* reply, uint32_t) { return reply->type == REDIS_REPLY_STATUS; });
  }

 private:
  template <typename Check>
  bool Replies(uint32_t count, Check check) {
    bool good = true;
    for (uint32_t i = 0; i < count; ++i) {
      void* reply = nullptr;
      if (redisGetReply(context_, &reply) != REDIS_OK) return false;
      good = check(static_cast<redisReply*>(reply), i) && good;
      freeReplyObject(reply);
    }
    return good;
  }

  const Work work_;
  redisContext* const context_;
  std::vector<std::string> keys_;
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
