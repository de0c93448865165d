#include "tests/e2e/tracked_client.h"

#include <algorithm>

#include "common/check.h"

namespace halflife::e2e {

using client::Outcome;

TrackedClient::TrackedClient(client::Client* client, ValueTracker* tracker,
                             const Population* population)
    : client_(client), tracker_(tracker), population_(population), segments_(2 * kCallPairs) {
  uint64_t most = 0;
  for (uint32_t i = 0; i < population->families().size(); ++i) {
    namespaces_.push_back(client->OpenNamespace(population->DescriptorOf(i)));
    HL_CHECK(namespaces_.back());
    const Family& family = population->family(i);
    most = std::max(most, BlocksPerCall(i) * family.parts * family.block_bytes);
  }
  payloads_.resize(most);
}

uint32_t TrackedClient::BlocksPerCall(uint32_t index) const {
  const Family& family = population_->family(index);
  const uint64_t by_bytes = kCallBytes / (family.block_bytes * family.parts);
  return std::clamp<uint64_t>(by_bytes, 1, std::min(kCallPairs / family.parts, family.depth));
}

absl::Span<uint8_t> TrackedClient::PayloadOf(const Family& family, size_t pair) {
  return absl::MakeSpan(payloads_).subspan(pair * family.block_bytes, family.block_bytes);
}

client::View<client::Segment> TrackedClient::SegmentsOf(const Family& family, size_t pair) {
  // Two uneven pieces, so that scattering is always on the path.
  const absl::Span<uint8_t> payload = PayloadOf(family, pair);
  const size_t cut = payload.size() / 3 / 8 * 8;
  client::Segment* const segments = &segments_[2 * pair];
  segments[0] = {payload.data(), cut};
  segments[1] = {payload.data() + cut, payload.size() - cut};
  return {segments, 2};
}

TrackedClient::PutCounts TrackedClient::Put(const Stretch& stretch) {
  PutCounts counts;
  const uint32_t step = BlocksPerCall(stretch.family);
  for (uint32_t done = 0; done < stretch.count; done += step) {
    Stretch part = stretch;
    part.first += done;
    part.count = std::min(step, stretch.count - done);
    PutCall(part, counts);
    if (counts.outcome != Outcome::kOk) break;
  }
  return counts;
}

void TrackedClient::PutCall(const Stretch& stretch, PutCounts& counts) {
  const Family& family = population_->family(stretch.family);
  const client::Hash* const chain = population_->ChainOf(stretch.family, stretch.chain);
  client::PutRequest request;
  request.ns = namespaces_[stretch.family];
  request.first_depth = stretch.first;
  if (stretch.first > 0) request.parent = &chain[stretch.first - 1];
  std::vector<uint64_t> generations;
  for (uint32_t block = 0; block < stretch.count; ++block) {
    for (uint32_t part = 0; part < family.parts; ++part) {
      const uint64_t key = population_->KeyOf(stretch, block, part);
      const size_t pair = generations.size();
      generations.push_back(tracker_->BeginPut(key));
      FillPayload(key, generations.back(), PayloadOf(family, pair));
      client::PutItem& item = request.items.emplace_back();
      item.hash = chain[stretch.first + block];
      item.part = static_cast<uint16_t>(part);
      item.from = SegmentsOf(family, pair);
    }
  }
  const client::PutResult result = client_->Put(std::move(request));
  counts.outcome = result.outcome;
  for (size_t pair = 0; pair < generations.size(); ++pair) {
    const client::PutItem& item = result.items[pair];
    auto end = ValueTracker::PutEnd::kUnknown;
    if (result.outcome == Outcome::kOk && item.outcome == Outcome::kOk) {
      end = item.duplicate ? ValueTracker::PutEnd::kNotStored : ValueTracker::PutEnd::kStored;
      ++(item.duplicate ? counts.duplicates : counts.stored);
    } else if (result.outcome == Outcome::kOk && item.outcome == Outcome::kRefused) {
      end = ValueTracker::PutEnd::kNotStored;
      ++counts.refused;
    } else {
      ++counts.unknown;
    }
    const uint32_t block = pair / family.parts;
    tracker_->EndPut(population_->KeyOf(stretch, block, pair % family.parts), generations[pair],
                     end);
  }
}

TrackedClient::ReadCounts TrackedClient::Get(const Stretch& stretch, const GetOptions& options) {
  ReadCounts counts;
  const uint32_t step = options.lease != nullptr ? stretch.count : BlocksPerCall(stretch.family);
  HL_CHECK(options.lease == nullptr || stretch.count <= BlocksPerCall(stretch.family));
  for (uint32_t done = 0; done < stretch.count; done += step) {
    Stretch part = stretch;
    part.first += done;
    part.count = std::min(step, stretch.count - done);
    GetCall(part, options, counts);
    if (counts.outcome != Outcome::kOk) break;
  }
  return counts;
}

void TrackedClient::GetCall(const Stretch& stretch, const GetOptions& options, ReadCounts& counts) {
  const Family& family = population_->family(stretch.family);
  const client::Hash* const chain = population_->ChainOf(stretch.family, stretch.chain);
  client::GetRequest request;
  request.ns = namespaces_[stretch.family];
  request.first_depth = stretch.first;
  request.order = options.order;
  request.lease = options.lease;
  for (uint32_t pair = 0; pair < stretch.count * family.parts; ++pair) {
    // What an earlier call left here must not pass for an answer.
    const absl::Span<uint8_t> payload = PayloadOf(family, pair);
    for (size_t at = 0; at < payload.size(); at += 4096) std::fill_n(&payload[at], 16, 0xee);
    client::GetItem& item = request.items.emplace_back();
    item.hash = chain[stretch.first + pair / family.parts];
    item.part = static_cast<uint16_t>(pair % family.parts);
    item.into = SegmentsOf(family, pair);
  }
  const ValueTracker::Time began = options.began != 0 ? options.began : tracker_->Now();
  const client::GetResult result = client_->Get(std::move(request));
  counts.outcome = result.outcome;
  counts.asked += result.items.size();
  uint32_t leading = 0;
  for (uint32_t pair = 0; pair < result.items.size(); ++pair) {
    counts.pairs.push_back(false);
    if (result.items[pair].outcome != Outcome::kOk) continue;
    const uint64_t key = population_->KeyOf(stretch, pair / family.parts, pair % family.parts);
    const auto verdict = tracker_->CheckRead(key, began, PayloadOf(family, pair));
    if (verdict != ValueTracker::Verdict::kRight) {
      ++(verdict == ValueTracker::Verdict::kDeleted ? counts.revived : counts.wrong);
      continue;
    }
    ++counts.right;
    counts.pairs.back() = true;
    if (pair == leading) ++leading;
  }
  counts.whole_blocks += leading / family.parts;
}

client::LookupResult TrackedClient::Lookup(const Stretch& stretch, bool pin) {
  client::LookupRequest request;
  request.ns = namespaces_[stretch.family];
  request.chain = {population_->ChainOf(stretch.family, stretch.chain) + stretch.first,
                   stretch.count};
  request.first_depth = stretch.first;
  request.pin = pin;
  return client_->Lookup(request);
}

bool TrackedClient::Delete(const Stretch& stretch) {
  const ValueTracker::Time began = tracker_->Now();
  const client::Hash* const chain = population_->ChainOf(stretch.family, stretch.chain);
  if (client_->Delete(namespaces_[stretch.family], {chain + stretch.first, stretch.count}) < 0) {
    return false;
  }
  for (uint32_t block = 0; block < stretch.count; ++block) {
    for (uint32_t part = 0; part < population_->family(stretch.family).parts; ++part) {
      tracker_->EndDelete(population_->KeyOf(stretch, block, part), began);
    }
  }
  return true;
}

bool TrackedClient::DeleteFamily(uint32_t family) {
  const ValueTracker::Time began = tracker_->Now();
  if (client_->DeleteNamespace(namespaces_[family]) < 0) return false;
  for (uint32_t chain = 0; chain < population_->family(family).chains; ++chain) {
    const Stretch whole = population_->WholeChain(family, chain);
    for (uint32_t block = 0; block < whole.count; ++block) {
      for (uint32_t part = 0; part < population_->family(family).parts; ++part) {
        tracker_->EndDelete(population_->KeyOf(whole, block, part), began);
      }
    }
  }
  return true;
}

}  // namespace halflife::e2e
