#include <cstdio>
#include <cstring>
#include <vector>

#include "bench/peer.h"
#include "client/include/halflife/client.h"

namespace halflife::bench {
namespace {

// The budgets are out of the way: the benchmark measures how long things take, not whether they
// make a deadline.
client::Options BenchOptions(const HalflifeWay& way) {
  client::Options options;
  options.endpoint = way.endpoint;
  options.shared_memory =
      way.shared_memory ? client::SharedMemory::kRequired : client::SharedMemory::kOff;
  options.trust_sealed = !way.verify;
  options.lookup_budget = std::chrono::seconds(2);
  options.get_budget = std::chrono::seconds(5);
  options.put_budget = std::chrono::seconds(5);
  options.verify = way.verify;
  return options;
}

class HalflifePeer final : public Peer {
 public:
  HalflifePeer(const Work& work, std::unique_ptr<client::Client> client)
      : work_(work), client_(std::move(client)), chain_(work.blocks) {
    for (uint32_t i = 0; i < work.blocks; ++i) {
      for (int k = 0; k < 4; ++k) {  // uniform, as digests are
        const uint64_t word = (uint64_t{i} * 4 + k + 1) * 0x9E3779B97F4A7C15;
        std::memcpy(chain_[i].data() + 8 * k, &word, 8);
      }
    }
  }

  bool Open(bool shared_memory) {
    client::Namespace ns;
    ns.engine = "bench";
    ns.model_name = "bench-" + std::to_string(work_.block_bytes);
    ns.tokens_per_block = 16;
    ns.block_bytes = work_.block_bytes;
    ns.hash_scheme = client::HashScheme::kOpaque;
    ns_ = client_->OpenNamespace(ns);
    if (!ns_ || !client_->Healthy(std::chrono::seconds(10))) return false;
    if (shared_memory && !client_->AwaitSharedMemory(std::chrono::seconds(10))) return false;
    client::LookupRequest first;  // opens the namespace
    first.ns = ns_;
    first.chain = {chain_.data(), 1};
    return client_->Lookup(first).outcome == client::Outcome::kOk;
  }

  bool Put(uint32_t first, uint32_t count, const uint8_t* source) override {
    client::PutRequest request;
    std::vector<client::Segment> segments(count);
    request.ns = ns_;
    request.first_depth = first;
    request.parent = first > 0 ? &chain_[first - 1] : nullptr;
    request.items.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      segments[i] = {const_cast<uint8_t*>(source) + i * work_.block_bytes, work_.block_bytes};
      request.items[i].hash = chain_[first + i];
      request.items[i].from = {&segments[i], 1};
    }
    const client::PutResult result = client_->Put(std::move(request));
    // Blocks that another row has put are as good.
    return result.outcome == client::Outcome::kOk && result.stored + result.duplicates == count;
  }

  bool Get(uint32_t first, uint32_t count, uint8_t* target) override {
    client::GetRequest request;
    std::vector<client::Segment> segments(count);
    request.ns = ns_;
    request.first_depth = first;
    request.items.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      segments[i] = {target + i * work_.block_bytes, work_.block_bytes};
      request.items[i].hash = chain_[first + i];
      request.items[i].into = {&segments[i], 1};
    }
    return client_->Get(std::move(request)).ok_items == count;
  }

  bool Lookup(uint32_t first, uint32_t count) override {
    client::LookupRequest request;
    request.ns = ns_;
    request.chain = {&chain_[first], count};
    request.first_depth = first;
    const client::LookupResult result = client_->Lookup(request);
    return result.outcome == client::Outcome::kOk && result.prefix_blocks == count;
  }

  bool ReadInPlace(uint32_t first, uint32_t count) override {
    client::ViewRequest request;
    request.ns = ns_;
    request.chain = {&chain_[first], count};
    request.first_depth = first;
    const client::ViewResult result = client_->GetView(request);
    return result.prefix_views == count && result.views[0].in_place();
  }

  bool Clear() override { return client_->DeleteNamespace(ns_) >= 0; }

 private:
  const Work work_;
  const std::unique_ptr<client::Client> client_;
  client::NamespaceHandle ns_;
  std::vector<client::Hash> chain_;
};

}  // namespace

std::unique_ptr<Peer> MakeHalflifePeer(const Work& work, const HalflifeWay& way) {
  std::string error;
  auto client = client::Client::Open(BenchOptions(way), &error);
  if (client == nullptr) {
    std::fprintf(stderr, "halflife at %s: %s\n", way.endpoint.c_str(), error.c_str());
    return nullptr;
  }
  auto peer = std::make_unique<HalflifePeer>(work, std::move(client));
  if (!peer->Open(way.shared_memory)) {
    std::fprintf(stderr, "halflife at %s: not ready\n", way.endpoint.c_str());
    return nullptr;
  }
  return peer;
}

}  // namespace halflife::bench
