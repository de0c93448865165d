#include <algorithm>
#include <cstdio>
#include <deque>
#include <vector>

#include "bench/block_names.h"
#include "bench/peer.h"
#include "common/mutex.h"

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

// One call's memory, which stays until the call has ended.
struct CallMemory {
  std::vector<client::Hash> hashes;
  std::vector<client::Segment> segments;
  client::Hash parent{};

  CallMemory(uint32_t first, uint32_t count, const uint8_t* bytes, size_t block_bytes) {
    for (uint32_t i = 0; i < count; ++i) {
      hashes.push_back(HashOfBlock(first + i));
      if (bytes != nullptr) {
        segments.push_back({const_cast<uint8_t*>(bytes) + i * block_bytes, block_bytes});
      }
    }
    if (first % kChainBlocks > 0) parent = HashOfBlock(first - 1);
  }
};

class HalflifePeer final : public Peer {
 public:
  HalflifePeer(const Work& work, const HalflifeWay& way, std::unique_ptr<client::Client> client)
      : work_(work), way_(way), client_(std::move(client)) {}
  ~HalflifePeer() override { client_->Drain(); }

  bool Open() {
    if (way_.region && work_.ring_fd >= 0) {
      region_ = client_->RegisterRegion(work_.ring, work_.ring_bytes, work_.ring_fd);
      if (region_ == nullptr) return false;
    }
    ns_ = client_->OpenNamespace(BenchNamespace(work_.block_bytes));
    if (!ns_ || !client_->Healthy(std::chrono::seconds(10))) return false;
    if (way_.shared_memory && !client_->AwaitSharedMemory(std::chrono::seconds(10))) return false;
    const client::Hash nobody{};
    client::LookupRequest first;  // opens the namespace
    first.ns = ns_;
    first.chain = {&nobody, 1};
    return client_->Lookup(first).outcome == client::Outcome::kOk;
  }

  bool StartPut(uint32_t first, uint32_t count, const uint8_t* source) override {
    auto memory = std::make_shared<CallMemory>(first, count, source, work_.block_bytes);
    client::PutRequest request;
    request.ns = ns_;
    request.region = region_;
    request.first_depth = first % kChainBlocks;
    request.parent = request.first_depth > 0 ? &memory->parent : nullptr;
    request.items.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      request.items[i].hash = memory->hashes[i];
      request.items[i].from = {&memory->segments[i], 1};
    }
    const int64_t started_ns = NowNs();
    const auto finish = [this, memory, count, started_ns](const client::PutResult& result) {
      // Blocks that another row has put are as good.
      Finish(started_ns,
             result.outcome == client::Outcome::kOk && result.stored + result.duplicates == count);
    };
    if (work_.depth > 1) {
      client_->PutAsync(std::move(request), finish);
    } else {
      finish(client_->Put(std::move(request)));
    }
    return true;
  }

  bool StartGet(uint32_t first, uint32_t count, uint8_t* target) override {
    auto memory = std::make_shared<CallMemory>(first, count, target, work_.block_bytes);
    client::GetRequest request;
    request.ns = ns_;
    request.region = region_;
    request.first_depth = first % kChainBlocks;
    request.items.resize(count);
    for (uint32_t i = 0; i < count; ++i) {
      request.items[i].hash = memory->hashes[i];
      request.items[i].into = {&memory->segments[i], 1};
    }
    const int64_t started_ns = NowNs();
    if (way_.fetch) {
      request.order = client::Order::kDescending;
      fetches_.push_back({memory, started_ns, client_->Fetch(std::move(request))});
      return true;
    }
    const auto finish = [this, memory, count, started_ns](const client::GetResult& result) {
      Finish(started_ns, result.ok_items == count);
    };
    if (work_.depth > 1) {
      client_->GetAsync(std::move(request), finish);
    } else {
      finish(client_->Get(std::move(request)));
    }
    return true;
  }

  bool StartLookup(uint32_t first, uint32_t count) override {
    const CallMemory memory(first, count, nullptr, 0);
    client::LookupRequest request;
    request.ns = ns_;
    request.chain = memory.hashes;
    request.first_depth = first % kChainBlocks;
    const int64_t started_ns = NowNs();
    const auto finish = [this, count, started_ns](const client::LookupResult& result) {
      Finish(started_ns, result.outcome == client::Outcome::kOk && result.prefix_blocks == count);
    };
    if (work_.depth > 1) {
      client_->LookupAsync(std::move(request), finish);
    } else {
      finish(client_->Lookup(request));
    }
    return true;
  }

  int64_t Await() override {
    if (!fetches_.empty()) return AwaitFetch();
    MutexLock lock(mutex_);
    while (ended_ns_.empty()) call_ended_.Wait(mutex_);
    const int64_t took_ns = ended_ns_.front();
    ended_ns_.pop_front();
    return took_ns;
  }

  bool ReadInPlace(uint32_t first, uint32_t count) override {
    const CallMemory memory(first, count, nullptr, 0);
    client::ViewRequest request;
    request.ns = ns_;
    request.chain = memory.hashes;
    request.first_depth = first % kChainBlocks;
    const client::ViewResult result = client_->GetView(request);
    return result.prefix_views == count && result.views[0].in_place();
  }

  bool Clear() override { return client_->DeleteNamespace(ns_) >= 0; }

 private:
  struct Fetch {
    std::shared_ptr<CallMemory> memory;
    int64_t started_ns = 0;
    std::unique_ptr<client::FetchHandle> handle;
  };

  int64_t AwaitFetch() {
    const Fetch fetch = std::move(fetches_.front());
    fetches_.pop_front();
    const bool good = fetch.handle->Wait().ok_items == fetch.memory->hashes.size();
    return good ? NowNs() - fetch.started_ns : -1;
  }

  void Finish(int64_t started_ns, bool good) {
    const int64_t took_ns = good ? NowNs() - started_ns : -1;
    MutexLock lock(mutex_);
    ended_ns_.push_back(took_ns);
    call_ended_.NotifyOne();
  }

  const Work work_;
  const HalflifeWay way_;
  const std::unique_ptr<client::Client> client_;
  client::NamespaceHandle ns_;
  std::shared_ptr<client::Region> region_;
  std::deque<Fetch> fetches_;  // under way, oldest first

  Mutex mutex_;
  CondVar call_ended_;
  std::deque<int64_t> ended_ns_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Peer> MakeHalflifePeer(const Work& work, const HalflifeWay& way) {
  std::string error;
  auto client = client::Client::Open(BenchOptions(way), &error);
  if (client == nullptr) {
    std::fprintf(stderr, "halflife at %s: %s\n", way.endpoint.c_str(), error.c_str());
    return nullptr;
  }
  auto peer = std::make_unique<HalflifePeer>(work, way, std::move(client));
  if (!peer->Open()) {
    std::fprintf(stderr, "halflife at %s: not ready\n", way.endpoint.c_str());
    return nullptr;
  }
  return peer;
}

}  // namespace halflife::bench
