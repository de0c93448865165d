#include "bench/disturbance.h"

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>

#include "bench/bench_rpc.h"
#include "bench/block_names.h"
#include "bench/peer.h"
#include "common/mutex.h"
#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::bench {
namespace {

constexpr uint32_t kBatch = 4;
// Blocks by number, in one namespace: those that SSD reads read come first, then what is put.
constexpr uint32_t kFirstPut = 1u << 20;
constexpr int kStoppedConnections = 4;
constexpr uint32_t kStoppedBlocks = 64;  // each of them asked for

// Waits so that work goes on at a rate.
class Pace {
 public:
  explicit Pace(double units_per_second) : ns_per_unit_(1e9 / units_per_second) {}

  void Next(double units) {
    due_ns_ = std::max(due_ns_, NowNs() - kMostBehindNs);
    due_ns_ += static_cast<int64_t>(units * ns_per_unit_);
    MutexLock lock(mutex_);
    for (int64_t now_ns = NowNs(); now_ns < due_ns_; now_ns = NowNs()) {
      never_.WaitFor(mutex_, absl::Nanoseconds(due_ns_ - now_ns));
    }
  }

 private:
  static constexpr int64_t kMostBehindNs = 100'000'000;  // that is caught up with

  const double ns_per_unit_;
  int64_t due_ns_ = NowNs();
  Mutex mutex_;
  CondVar never_;
};

// Three times what DRAM holds.
constexpr uint32_t kSsdBlocks = kDisturbanceDramBytes * 3 / kDisturbanceBlockBytes;
static_assert(kSsdBlocks % kBatch == 0 && kSsdBlocks < kFirstPut);

int PutForever(Peer& peer, double bytes_per_second) {
  const std::vector<uint8_t> source(kBatch * kDisturbanceBlockBytes, 9);
  Pace pace(bytes_per_second);
  // Never the same blocks again, also not of an earlier process.
  const uint32_t first =
      kFirstPut + std::random_device{}() % (1u << 30) / kChainBlocks * kChainBlocks;
  for (uint32_t block = first;; block += kBatch) {
    // A Put that finds no room is a Put that was refused: the daemon's right.
    peer.Put(block, kBatch, source.data());
    pace.Next(static_cast<double>(source.size()));
  }
}

int ReadForever(Peer& peer, double bytes_per_second) {
  std::vector<uint8_t> target(kBatch * kDisturbanceBlockBytes);
  Pace pace(bytes_per_second);
  std::mt19937 random(3);
  for (;;) {
    peer.Get(random() % (kSsdBlocks / kBatch) * kBatch, kBatch, target.data());
    pace.Next(static_cast<double>(target.size()));
  }
}

// Streams that are asked for and never read, and then not even that.
int StandStill(const std::string& endpoint) {
  struct Reader {
    grpc::ClientContext context;
    std::unique_ptr<v1::CacheService::Stub> stub;
    std::unique_ptr<grpc::ClientReader<v1::GetResponse>> stream;
  };
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < kStoppedConnections; ++i) {
    auto reader = std::make_unique<Reader>();
    reader->stub = v1::CacheService::NewStub(BenchChannel(endpoint));
    v1::GetRequest request;
    request.set_namespace_id(
        OpenBenchNamespace(*reader->stub, BenchNamespace(kDisturbanceBlockBytes)));
    for (uint32_t block = 0; block < kStoppedBlocks; ++block) {
      const client::Hash hash = HashOfBlock(static_cast<uint32_t>(i) * kStoppedBlocks + block);
      request.mutable_chain()->mutable_hashes()->append(hash.begin(), hash.end());
    }
    request.set_order(v1::ORDER_DESC);  // passes over what is not there
    reader->stream = reader->stub->Get(&reader->context, request);
    v1::GetResponse first;
    if (!reader->stream->Read(&first)) return 1;
    readers.push_back(std::move(reader));
  }
  std::puts("ready");
  std::fflush(stdout);
  raise(SIGSTOP);
  return 1;
}

const char* NameOf(Disturbance kind) {
  switch (kind) {
    case Disturbance::kPuts:
      return "puts";
    case Disturbance::kSsdReads:
      return "ssd-reads";
    case Disturbance::kStoppedReaders:
      return "stopped-readers";
  }
  return "";
}

std::unique_ptr<Peer> MakePeer(const std::string& endpoint) {
  return MakeHalflifePeer({kDisturbanceBlockBytes, 1, 1}, {.endpoint = endpoint});
}

}  // namespace

std::unique_ptr<ServerProcess> StartDisturbance(Disturbance kind, const std::string& endpoint,
                                                uint64_t bytes_per_second,
                                                const std::string& log_path) {
  return ServerProcess::Start({"/proc/self/exe", kDisturbanceFlag, NameOf(kind), endpoint,
                               std::to_string(bytes_per_second)},
                              log_path, [&log_path] {
                                std::string word;
                                return bool{std::ifstream(log_path) >> word} && word == "ready";
                              });
}

int RunDisturbance(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) return 2;
  const std::string& kind = arguments[0];
  const double bytes_per_second = std::atof(arguments[2].c_str());
  if (kind == NameOf(Disturbance::kStoppedReaders)) return StandStill(arguments[1]);
  const auto peer = MakePeer(arguments[1]);
  if (peer == nullptr) return 1;
  std::puts("ready");
  std::fflush(stdout);
  if (kind == NameOf(Disturbance::kPuts)) return PutForever(*peer, bytes_per_second);
  return ReadForever(*peer, bytes_per_second);
}

bool PrepareSsdReads(const std::string& endpoint) {
  const auto peer = MakePeer(endpoint);
  if (peer == nullptr) return false;
  const std::vector<uint8_t> source(kBatch * kDisturbanceBlockBytes, 9);
  for (uint32_t first = 0; first < kSsdBlocks;) {
    // The daemon makes room at its own pace, and refuses what comes faster.
    if (peer->Put(first, kBatch, source.data())) first += kBatch;
  }
  return true;
}

}  // namespace halflife::bench
