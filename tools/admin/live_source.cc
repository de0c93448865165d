#include "tools/admin/live_source.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "tools/admin/daemon_connection.h"

namespace halflife::tools {
namespace {

// A sample of a rate below 2^-20 says nothing.
constexpr double kMaxBlocksPerBlock = 1 << 20;

// That of most blocks: namespaces may differ.
uint32_t BlockTokensOf(const std::vector<v1::ExportRequestsResponse>& messages) {
  std::map<uint32_t, uint64_t> blocks_by_tokens;
  for (const auto& message : messages) {
    for (const auto& request : message.requests()) {
      blocks_by_tokens[request.block_tokens()] += request.chain_blocks();
    }
  }
  const auto most =
      std::max_element(blocks_by_tokens.begin(), blocks_by_tokens.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == blocks_by_tokens.end() ? 0 : most->first;
}

LiveSample SampleOf(const std::vector<v1::ExportRequestsResponse>& messages) {
  LiveSample sample;
  if (messages.empty()) return sample;
  const v1::ExportRequestsResponse& head = messages.front();
  sample.rate = head.sample_rate();
  sample.lookup_blocks = head.lookup_blocks();
  sample.hit_blocks = head.hit_blocks();
  sample.block_bytes = head.block_bytes();
  sample.capacity_bytes = head.capacity_bytes();
  sample.block_tokens = BlockTokensOf(messages);
  for (const auto& message : messages) {
    sample.requests += message.requests_size();
    if (message.requests_size() == 0) continue;
    sample.window_s = message.requests(message.requests_size() - 1).time_seconds();
  }
  return sample;
}

}  // namespace

uint32_t LiveSample::blocks_per_block() const {
  if (!(rate > 0)) return 1;
  return static_cast<uint32_t>(std::clamp(std::round(1 / rate), 1.0, kMaxBlocksPerBlock));
}

Table LiveSample::AsTable() const {
  Table table = Table::Record("sample");
  table.Set("sample_ratio", Cell::Ratio(rate));
  table.Set("blocks_per_sampled_block", Cell::Count(blocks_per_block()));
  table.Set("requests", Cell::Count(requests));
  table.Set("window_seconds", Cell::Seconds(window_s));
  table.Set("lookup_blocks", Cell::Count(lookup_blocks));
  table.Set("hit_ratio", Cell::Share(hit_blocks, lookup_blocks));
  table.Set("block_tokens", Cell::Count(block_tokens));
  table.Set("block_bytes", Cell::Bytes(block_bytes));
  table.Set("capacity_bytes", Cell::Bytes(capacity_bytes));
  return table;
}

absl::StatusOr<std::unique_ptr<LiveSource>> LiveSource::Open(const std::string& endpoint) {
  DaemonConnection daemon(endpoint);
  HL_ASSIGN_OR_RETURN(auto messages, daemon.ExportRequests());
  auto source = std::make_unique<LiveSource>(std::move(messages));
  if (source->sample().requests == 0) {
    return absl::FailedPreconditionError(
        "nothing has been looked up there yet: wait for traffic, or replay a trace");
  }
  return source;
}

LiveSource::LiveSource(std::vector<v1::ExportRequestsResponse> messages)
    : messages_(std::move(messages)), sample_(SampleOf(messages_)) {
  if (messages_.empty()) return;
  for (const std::string& name : messages_.front().categories()) {
    categories_.push_back(AttributesOf(name));
  }
}

// "agent/3-4/tool_use": app, turn bucket, stop reason, as far as it has them.
LiveSource::Attributes LiveSource::AttributesOf(const std::string& category) {
  Attributes attributes;
  if (category == "unknown") return attributes;
  const std::vector<std::string> words = absl::StrSplit(category, absl::MaxSplits('/', 2));
  attributes.type = words[0];
  size_t next = 1;
  if (next < words.size() && absl::SimpleAtoi(words[next].substr(0, 1), &attributes.turn)) ++next;
  if (next < words.size()) attributes.stop = words[next];
  if (next + 1 < words.size()) attributes.stop += "/" + words[next + 1];
  return attributes;
}

absl::StatusOr<bool> LiveSource::Next(Request& request) {
  while (message_ < static_cast<int>(messages_.size()) &&
         request_ == messages_[message_].requests_size()) {
    ++message_;
    request_ = 0;
  }
  if (message_ == static_cast<int>(messages_.size())) return false;
  const v1::SampledRequest& sampled = messages_[message_].requests(request_++);
  ++read_;
  request = Request();
  request.blocks.assign(sampled.blocks().begin(), sampled.blocks().end());
  request.time_s = sampled.time_seconds();
  request.input_tokens = uint64_t{sampled.chain_blocks()} * sampled.block_tokens();
  lineage_.Complete(request);
  if (sampled.category() >= categories_.size()) return true;
  const Attributes& said = categories_[sampled.category()];
  request.type = said.type;
  if (said.turn > 0) request.turn = said.turn;
  if (!said.stop.empty()) request.previous_stop = said.stop;
  return true;
}

uint32_t LiveSource::block_tokens() const {
  return std::max(1u, sample_.block_tokens) * sample_.blocks_per_block();
}

double LiveSource::progress() const {
  return sample_.requests == 0 ? 1
                               : static_cast<double>(read_) / static_cast<double>(sample_.requests);
}

}  // namespace halflife::tools
