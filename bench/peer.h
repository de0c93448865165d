#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace halflife::bench {

// One store under the same work: `blocks` blocks of `block_bytes`, put once, then got or looked up
// in batches of consecutive blocks. A Peer is used by one thread. Every call returns false if
// anything was not as it should be, which ends the benchmark: a ratio over failures would be a lie.
class Peer {
 public:
  virtual ~Peer() = default;

  // Stores blocks [first, first + count) from `source` (count * block_bytes).
  virtual bool Put(uint32_t first, uint32_t count, const uint8_t* source) = 0;
  // Reads them into `target`.
  virtual bool Get(uint32_t first, uint32_t count, uint8_t* target) = 0;
  // Asks whether `count` blocks from `first` are there; all must be.
  virtual bool Lookup(uint32_t first, uint32_t count) = 0;
  // Has blocks where they lie, without a copy. False where there is no such thing.
  virtual bool ReadInPlace(uint32_t /*first*/, uint32_t /*count*/) { return false; }
  // Forgets everything, so that the next Put stores again.
  virtual bool Clear() = 0;
};

struct Work {
  size_t block_bytes = 0;
  uint32_t blocks = 0;
};

// Two copies in this process: the limit of what moving these bytes can cost.
std::unique_ptr<Peer> MakeMemcpyPeer(const Work& work);
// How a Halflife client works.
struct HalflifeWay {
  std::string endpoint;  // "unix:///path" or "host:port"
  bool verify = true;
  bool shared_memory = false;  // only that, or not at all
};
// Null with a message on stderr if it is not there.
std::unique_ptr<Peer> MakeHalflifePeer(const Work& work, const HalflifeWay& way);
// The same through hiredis: pipelined GET, SET, and one EXISTS with all keys.
std::unique_ptr<Peer> MakeRedisPeer(const Work& work, const std::string& endpoint);

}  // namespace halflife::bench
