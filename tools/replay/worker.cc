#include "tools/replay/worker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/limits.h"
#include "tools/replay/payload.h"

namespace halflife::tools {
namespace {

uint32_t BatchBlocks(uint64_t payload_bytes) {
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(kWorkerBufferBytes / payload_bytes, 1, kMaxTransferBlocks));
}

}  // namespace

void HashChain(absl::Span<const uint64_t> block_ids, std::vector<client::Hash>& hashes) {
  hashes.clear();
  uint64_t prefix = 0;
  for (const uint64_t block_id : block_ids) {
    prefix = PayloadSeed(block_id, 0, prefix);
    FillPayload(prefix, absl::MakeSpan(hashes.emplace_back().data(), sizeof(client::Hash)));
  }
}

Worker::Worker(BlockService* service, const WorkerOptions& options, const Clock& clock)
    : service_(service),
      options_(options),
      clock_(clock),
      batch_blocks_(BatchBlocks(options.payload_bytes)),
      buffer_(batch_blocks_ * options.payload_bytes) {
  for (uint32_t i = 0; i < batch_blocks_; ++i) {
    segments_.push_back({buffer_.data() + i * options.payload_bytes, options.payload_bytes});
  }
}

void Worker::Replay(const Request& request) {
  Tally::Category& category = Named(tally_.categories, CategoryName(request.type, request.turn));
  ++category.requests;
  const size_t count = std::min<size_t>(request.blocks.size(), kMaxChainBlocks);
  tally_.cut_blocks += request.blocks.size() - count;
  if (count == 0) return;
  blocks_.assign(request.blocks.begin(), request.blocks.begin() + count);
  HashChain(blocks_, chain_);
  attributes_ = client::Attributes{};
  attributes_.app = request.type;
  attributes_.turn = request.turn;
  attributes_.stop_reason = request.previous_stop;
  attributes_.session = request.session;

  const uint32_t prefix_blocks = LookUp(category);
  const uint32_t delivered = GetPrefix(prefix_blocks, category);
  PutRest(delivered);
}

uint32_t Worker::LookUp(Tally::Category& category) {
  client::LookupRequest request;
  request.ns = options_.ns;
  request.chain = chain_;
  request.attributes = attributes_;
  const int64_t start_ns = clock_.NowNanos();
  const client::LookupResult result = service_->Lookup(request);
  Record(Verb::kLookup, result.outcome, start_ns);
  category.blocks += chain_.size();
  if (result.outcome != client::Outcome::kOk) return 0;
  const uint32_t prefix_blocks =
      std::min(result.prefix_blocks, static_cast<uint32_t>(chain_.size()));
  for (const client::LookupResult::Run& run : result.runs) {
    if (run.first >= prefix_blocks) break;
    const uint32_t blocks = std::min(run.count, prefix_blocks - run.first);
    (run.ssd ? category.ssd_hit_blocks : category.dram_hit_blocks) += blocks;
  }
  if (prefix_blocks < chain_.size()) {
    ++Named(tally_.miss_reasons, result.miss_reason.empty() ? "unknown" : result.miss_reason);
  }
  return prefix_blocks;
}

uint32_t Worker::GetPrefix(uint32_t prefix_blocks, Tally::Category& category) {
  uint32_t delivered = 0;
  while (delivered < prefix_blocks) {
    const uint32_t count = BatchAt(delivered, prefix_blocks);
    const uint32_t got = GetBatch({delivered, count});
    delivered += got;
    category.got_blocks += got;
    if (got < count) break;  // the prefix ends here: what follows would have to be computed
  }
  return delivered;
}

uint32_t Worker::GetBatch(Range range) {
  client::GetRequest request;
  request.ns = options_.ns;
  request.first_depth = range.first;
  request.attributes = attributes_;
  for (uint32_t i = 0; i < range.count; ++i) {
    client::GetItem item;
    item.hash = chain_[range.first + i];
    item.into = SegmentAt(i);
    request.items.push_back(item);
  }
  const int64_t start_ns = clock_.NowNanos();
  const client::GetResult result = service_->Get(std::move(request));
  Record(Verb::kGet, result.outcome, start_ns);
  for (uint32_t i = 0; i < result.items.size() && i < range.count; ++i) {
    if (result.items[i].outcome != client::Outcome::kOk) continue;
    tally_.calls[static_cast<size_t>(Verb::kGet)].bytes += options_.payload_bytes;
    if (!options_.verify) continue;
    const uint64_t wrong =
        CountWrongBytes(PayloadSeed(blocks_[range.first + i], 0, options_.payload_bytes),
                        {static_cast<const uint8_t*>(segments_[i].data), segments_[i].size});
    ++tally_.verified_blocks;
    tally_.wrong_blocks += wrong > 0 ? 1 : 0;
    tally_.wrong_bytes += wrong;
  }
  return std::min(result.prefix_items, range.count);
}

void Worker::PutRest(uint32_t delivered) {
  const uint32_t end = static_cast<uint32_t>(chain_.size());
  for (uint32_t first = delivered; first < end;) {
    const uint32_t count = BatchAt(first, end);
    // A chain with a hole is of no use: after a refusal the tail is not offered.
    if (!PutBatch({first, count})) return;
    first += count;
  }
}

bool Worker::PutBatch(Range range) {
  client::PutRequest request;
  request.ns = options_.ns;
  request.first_depth = range.first;
  request.attributes = attributes_;
  if (range.first > 0) request.parent = &chain_[range.first - 1];
  for (uint32_t i = 0; i < range.count; ++i) {
    FillPayload(PayloadSeed(blocks_[range.first + i], 0, options_.payload_bytes),
                absl::MakeSpan(static_cast<uint8_t*>(segments_[i].data), segments_[i].size));
    client::PutItem item;
    item.hash = chain_[range.first + i];
    item.from = SegmentAt(i);
    request.items.push_back(item);
  }
  const int64_t start_ns = clock_.NowNanos();
  const client::PutResult result = service_->Put(std::move(request));
  Record(Verb::kPut, result.outcome, start_ns);
  tally_.calls[static_cast<size_t>(Verb::kPut)].bytes +=
      (result.stored + result.duplicates) * options_.payload_bytes;
  tally_.stored_blocks += result.stored;
  tally_.duplicate_blocks += result.duplicates;
  tally_.refused_blocks += result.refused;
  return result.outcome == client::Outcome::kOk && result.refused == 0;
}

uint32_t Worker::BatchAt(uint32_t first, uint32_t end) const {
  return std::min(end - first, batch_blocks_);
}

void Worker::Record(Verb verb, client::Outcome outcome, int64_t start_ns) {
  latency_ns_[static_cast<size_t>(verb)].Record(
      static_cast<uint64_t>(clock_.NowNanos() - start_ns));
  ++tally_.calls[static_cast<size_t>(verb)].outcomes[static_cast<size_t>(outcome)];
}

void Worker::RecordLateness(int64_t late_ns) {
  lateness_ns_.Record(static_cast<uint64_t>(std::max<int64_t>(late_ns, 0)));
}

Tally Worker::tally() const {
  Tally tally = tally_;
  for (size_t verb = 0; verb < kVerbs; ++verb) {
    tally.calls[verb].latency_ns = latency_ns_[verb].snapshot();
  }
  tally.lateness_ns = lateness_ns_.snapshot();
  return tally;
}

}  // namespace halflife::tools
