#include "tools/bench/bench_caller.h"

#include <cstring>
#include <utility>

#include "common/limits.h"
#include "tools/replay/payload.h"
#include "tools/replay/worker.h"

namespace halflife::tools {
namespace {

uint64_t BlockNumber(uint64_t chain, uint32_t block) { return chain * kMaxTransferBlocks + block; }

}  // namespace

BenchCaller::BenchCaller(BlockService* service, client::NamespaceHandle ns,
                         const BenchOptions& options, WorkingSet* working_set, const Caller& caller)
    : service_(service),
      ns_(std::move(ns)),
      options_(options),
      working_set_(working_set),
      clock_(*caller.clock),
      random_(caller.seed),
      buffer_(options.call_bytes()),
      chain_(options.blocks_per_call) {
  FillPayload(caller.seed, absl::MakeSpan(buffer_));
  for (uint32_t i = 0; i < options_.blocks_per_call; ++i) {
    segments_.push_back({BlockAt(i), options_.block_bytes});
  }
}

void BenchCaller::Counts::Record(client::Outcome outcome, int64_t took_ns) {
  ++tally.outcomes[static_cast<size_t>(outcome)];
  latency_ns.Record(static_cast<uint64_t>(took_ns));
  tally.longest_ns = std::max(tally.longest_ns, took_ns);
}

CallTally BenchCaller::Counts::Sum() const {
  CallTally sum = tally;
  sum.latency_ns = latency_ns.snapshot();
  return sum;
}

std::optional<client::Outcome> BenchCaller::Fill() {
  const auto write = working_set_->BeginFill();
  if (!write) return std::nullopt;
  return Put(*write, nullptr);
}

void BenchCaller::Call(bool counted) {
  if (random_.Chance(options_.read_share)) {
    if (const auto read = working_set_->BeginRead(random_)) {
      Get(*read, counted ? &get_ : nullptr);
      working_set_->EndRead(*read);
      return;
    }
    // Nothing is there to be read: what is put now can be.
  }
  const auto write = working_set_->BeginWrite(random_);
  if (!write) return;  // cannot be: there are more chains than callers
  if (write->old_chain != 0) {
    NameBlocks(write->old_chain);
    if (service_->Delete(ns_, chain_) < 0) ++failed_deletes_;
  }
  Put(*write, counted ? &put_ : nullptr);
}

BenchTally BenchCaller::tally() const { return {get_.Sum(), put_.Sum(), failed_deletes_}; }

void BenchCaller::Get(const WorkingSet::Read& read, Counts* counts) {
  NameBlocks(read.chain);
  client::GetRequest request;
  request.ns = ns_;
  request.items.resize(options_.blocks_per_call);
  for (uint32_t i = 0; i < options_.blocks_per_call; ++i) {
    Stamp({}, i);  // what an earlier call left would look good
    request.items[i].hash = chain_[i];
    request.items[i].into = {&segments_[i], 1};
  }
  const int64_t start_ns = clock_.NowNanos();
  const client::GetResult result = service_->Get(std::move(request));
  const int64_t took_ns = clock_.NowNanos() - start_ns;
  if (counts == nullptr) return;
  counts->Record(result.outcome, took_ns);
  counts->tally.blocks += options_.blocks_per_call;
  for (uint32_t i = 0; i < result.items.size() && i < options_.blocks_per_call; ++i) {
    if (result.items[i].outcome != client::Outcome::kOk) continue;
    ++counts->tally.good_blocks;
    counts->tally.bytes += options_.block_bytes;
    if (!IsStamped({read.chain, i}, i)) ++counts->tally.wrong_blocks;
  }
}

client::Outcome BenchCaller::Put(const WorkingSet::Write& write, Counts* counts) {
  NameBlocks(write.new_chain);
  client::PutRequest request;
  request.ns = ns_;
  request.items.resize(options_.blocks_per_call);
  for (uint32_t i = 0; i < options_.blocks_per_call; ++i) {
    Stamp({write.new_chain, i}, i);
    request.items[i].hash = chain_[i];
    request.items[i].from = {&segments_[i], 1};
  }
  const int64_t start_ns = clock_.NowNanos();
  const client::PutResult result = service_->Put(std::move(request));
  const int64_t took_ns = clock_.NowNanos() - start_ns;
  // Of a chain that was stored in part, the first blocks can be read.
  working_set_->EndWrite(write, result.stored > 0);
  if (counts != nullptr) {
    counts->Record(result.outcome, took_ns);
    counts->tally.blocks += options_.blocks_per_call;
    counts->tally.good_blocks += result.stored;
    counts->tally.bytes += result.stored * options_.block_bytes;
  }
  return result.outcome;
}

void BenchCaller::NameBlocks(uint64_t chain) {
  std::vector<uint64_t> numbers(options_.blocks_per_call);
  for (uint32_t i = 0; i < options_.blocks_per_call; ++i) numbers[i] = BlockNumber(chain, i);
  HashChain(numbers, chain_);
}

void BenchCaller::Stamp(const BlockStamp& stamp, uint32_t place) {
  std::memcpy(BlockAt(place), &stamp, sizeof stamp);
  std::memcpy(BlockAt(place) + options_.block_bytes - sizeof stamp, &stamp, sizeof stamp);
}

bool BenchCaller::IsStamped(const BlockStamp& stamp, uint32_t place) const {
  return std::memcmp(BlockAt(place), &stamp, sizeof stamp) == 0 &&
         std::memcmp(BlockAt(place) + options_.block_bytes - sizeof stamp, &stamp, sizeof stamp) ==
             0;
}

}  // namespace halflife::tools
