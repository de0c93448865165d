#include <cstring>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {
namespace {

class MemcpyPeer final : public Peer {
 public:
  explicit MemcpyPeer(const Work& work)
      : block_bytes_(work.block_bytes),
        blocks_(work.distinct_blocks),
        store_(block_bytes_ * blocks_, 1) {}

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    calls_.Begin();
    std::memcpy(Place(first), source, count * block_bytes_);
    return true;
  }
  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    calls_.Begin();
    std::memcpy(target, Place(first), count * block_bytes_);
    return true;
  }
  int64_t Await() override { return calls_.End(true); }

 private:
  uint8_t* Place(uint32_t first) { return store_.data() + first % blocks_ * block_bytes_; }

  const size_t block_bytes_;
  const uint32_t blocks_;
  std::vector<uint8_t> store_;
  CallsInOrder calls_;
};

}  // namespace

std::unique_ptr<Peer> MakeMemcpyPeer(const Work& work) {
  return std::make_unique<MemcpyPeer>(work);
}

}  // namespace halflife::bench
