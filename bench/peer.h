#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace halflife::bench {

// One store under the same work: blocks of `block_bytes`, put, got or looked up in calls of
// consecutive blocks, with some calls outstanding at a time. A Peer is used by one thread. Every
// call that returns false (or less than 0) was not as it should be, which ends the benchmark: a
// ratio over failures would be a lie.
class Peer {
 public:
  virtual ~Peer() = default;

  // Each begins a call for blocks [first, first + count). Memory stays until its Await.
  virtual bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) = 0;
  virtual bool StartGet(uint32_t first, uint32_t count, uint8_t* target) = 0;
  // Asks whether the blocks are there; all must be.
  virtual bool StartLookup(uint32_t /*first*/, uint32_t /*count*/) { return false; }
  // Waits until one more call has ended, the oldest where the store answers in order. Returns how
  // long that call took in nanoseconds; less than 0: it failed.
  virtual int64_t Await() = 0;

  // Has blocks where they lie, without a copy. False where there is no such thing.
  virtual bool ReadInPlace(uint32_t /*first*/, uint32_t /*count*/) { return false; }
  // Forgets everything.
  virtual bool Clear() { return true; }

  bool Put(uint32_t first, uint32_t count, const uint8_t* source) {
    return StartPut(first, count, source) && Await() >= 0;
  }
  bool Get(uint32_t first, uint32_t count, uint8_t* target) {
    return StartGet(first, count, target) && Await() >= 0;
  }
};

// What a Peer is made for.
struct Work {
  size_t block_bytes = 0;
  uint32_t distinct_blocks = 0;  // a store that overwrites uses so many places or keys
  uint32_t depth = 1;            // calls outstanding at a time
  // What sources and targets of the timed calls lie in, a mapping of this file; -1: somewhere else.
  int ring_fd = -1;
  uint8_t* ring = nullptr;
  uint64_t ring_bytes = 0;
};

// CLOCK_MONOTONIC.
int64_t NowNs();

// Calls that end in the order they began: their start times.
class CallsInOrder {
 public:
  void Begin() { started_ns_.push_back(NowNs()); }
  // Returns what Peer::Await returns.
  int64_t End(bool good) {
    const int64_t took_ns = NowNs() - started_ns_.front();
    started_ns_.pop_front();
    return good ? took_ns : -1;
  }

 private:
  std::deque<int64_t> started_ns_;
};

// Copies in this process: the limit of what moving these bytes can cost.
std::unique_ptr<Peer> MakeMemcpyPeer(const Work& work);

// The makers below return null, with a message on stderr, if the server is not there. An endpoint
// is "unix:///path" or "host:port".

// How a Halflife client works.
struct HalflifeWay {
  std::string endpoint;
  bool verify = true;
  bool shared_memory = false;  // only that, or not at all
  bool region = false;         // the ring is registered, and the daemon copies
  bool fetch = false;          // a Get is a Fetch, last block first
};
// The client library: its blocking calls, or its asynchronous ones if more than one is outstanding.
std::unique_ptr<Peer> MakeHalflifePeer(const Work& work, const HalflifeWay& way);
// The stub that protoc generates, blocking, protobuf messages: what a stranger would write.
std::unique_ptr<Peer> MakeStubPeer(const Work& work, const std::string& endpoint);
// limit_server: a bare stream socket before memory. The limit of a transport.
std::unique_ptr<Peer> MakeRawPeer(const Work& work, const std::string& endpoint);
// hiredis: pipelined GET, SET, and one EXISTS with all keys.
std::unique_ptr<Peer> MakeRedisPeer(const Work& work, const std::string& endpoint);
// memcached through a client of our own that knows the length of every reply, and so reads straight
// into the target: no library does that.
std::unique_ptr<Peer> MakeMemcachedPeer(const Work& work, const std::string& endpoint);

// Unary gRPC calls that do nothing (limit_server), from one thread over a completion queue.
// StartLookup only.
std::unique_ptr<Peer> MakeEmptyCallPeer(const std::string& endpoint);
// Lookup from the same loop as the empty call, without the client library.
std::unique_ptr<Peer> MakeBareLookupPeer(const Work& work, const std::string& endpoint);

}  // namespace halflife::bench
