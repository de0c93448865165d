// The model policy in a store, fed by Lookups, Gets and Puts, against the same policy fed by
// requests: the numbers of a simulation hold for a daemon.

#include <algorithm>

#include "storage/residency/policy_factory.h"
#include "tests/storage/residency/chat_trace.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

constexpr uint64_t kBlockBytes = 4096;
constexpr uint32_t kGetBlocks = 128;  // a client's batch

class ModelReplay : public StoreTest {
 protected:
  // Serves one request as a client would. Returns the blocks that were here.
  uint32_t Serve(const TestRequest& request) {
    std::vector<BlockHash> hashes;
    for (const uint64_t block : request.blocks) hashes.push_back({Sha256Of(std::to_string(block))});
    const uint32_t hits = Lookup(hashes).prefix_blocks;
    for (uint32_t first = 0; first < hits; first += kGetBlocks) {
      const uint32_t count = std::min(kGetBlocks, hits - first);
      ChainSlice slice = Slice(hashes);
      slice.first_depth = first;
      slice.hashes = slice.hashes.subspan(first, count);
      store_->Touch(slice, count, {}, {});
    }
    for (size_t i = hits; i < hashes.size(); ++i) {
      if (store_->FindInDram(Address(hashes[i]))) continue;
      if (!IsTaken(hashes[i])) break;  // what is behind it is not offered
      store_->Commit(ns_, Prepare(hashes, i), {});
    }
    return hits;
  }

  bool IsTaken(const BlockHash& hash) {
    std::optional<absl::StatusOr<BlockBuffer>> answer;
    store_->AllocateForPut(ns_, Address(hash),
                           [&](absl::StatusOr<BlockBuffer> buffer) { answer = std::move(buffer); });
    if (!answer.has_value()) store_->Quiesce();
    return answer.has_value() && answer->ok();
  }
};

TEST_F(ModelReplay, AStoreHitsWhatASimulationHits) {
  const std::vector<TestRequest> trace = ReadChatTrace(2500);
  if (trace.empty()) GTEST_SKIP() << kChatTrace << " is not here";
  Setup setup;
  setup.with_ssd = false;
  setup.dram_bytes = uint64_t{1500} * kBlockBytes;
  setup.options.policy = "model";
  Open(setup);
  ns_ = OpenNamespace("replay", kBlockBytes);

  uint64_t hits = 0, blocks = 0, resident = 0, samples = 0;
  const absl::Duration start = clock_.Now();
  for (size_t i = 0; i < trace.size(); ++i) {
    clock_.Advance(start + absl::Seconds(trace[i].time_s) - clock_.Now());
    hits += Serve(trace[i]);
    blocks += trace[i].blocks.size();
    if (i % 3 != 0) continue;
    store_->Quiesce();
    if (i < trace.size() / 2) continue;
    resident += store_->stats().resident_blocks[0];
    ++samples;
  }

  const std::unique_ptr<ResidencyPolicy> policy =
      MakeResidencyPolicy({.kind = ResidencyPolicyOptions::Kind::kModel});
  PolicyCache cache(policy.get(), resident / samples);
  uint64_t simulated_hits = 0;
  for (const TestRequest& request : trace) simulated_hits += cache.Serve(request);
  const double store_ratio = static_cast<double>(hits) / static_cast<double>(blocks);
  const double simulated_ratio = static_cast<double>(simulated_hits) / static_cast<double>(blocks);
  RecordProperty("store", std::to_string(store_ratio));
  RecordProperty("simulated", std::to_string(simulated_ratio));
  EXPECT_GT(simulated_ratio, 0.05);
  EXPECT_NEAR(store_ratio, simulated_ratio, 0.01);
}

}  // namespace
}  // namespace halflife
