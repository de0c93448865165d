#include <algorithm>
#include <cstring>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 30;

class MemcpyPeer final : public Peer {
 public:
  explicit MemcpyPeer(const Work& work)
      : block_bytes_(work.block_bytes),
        blocks_(static_cast<uint32_t>(std::min(work.block_bytes * work.blocks, kMaxBytes) /
                                      work.block_bytes)),
        store_(work.block_bytes * blocks_, 1) {}

  bool Put(uint32_t first, uint32_t count, const uint8_t* source) override {
    std::memcpy(store_.data() + first % blocks_ * block_bytes_, source, count * block_bytes_);
    return true;
  }
  bool Get(uint32_t first, uint32_t count, uint8_t* target) override {
    std::memcpy(target, store_.data() + first % blocks_ * block_bytes_, count * block_bytes_);
    return true;
  }
  bool Lookup(uint32_t, uint32_t) override { return true; }
  bool Clear() override { return true; }

 private:
  const size_t block_bytes_;
  const uint32_t blocks_;  // beyond these it begins anew
  std::vector<uint8_t> store_;
};

}  // namespace

std::unique_ptr<Peer> MakeMemcpyPeer(const Work& work) {
  return std::make_unique<MemcpyPeer>(work);
}

}  // namespace halflife::bench
