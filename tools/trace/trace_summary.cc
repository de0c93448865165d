#include "tools/trace/trace_summary.h"

#include <algorithm>
#include <utility>

namespace halflife::tools {
namespace {

// Distinct types and stop reasons that are told apart; the rest is one line, so that odd input
// costs no memory.
constexpr size_t kMaxNames = 64;
constexpr double kQuantiles[] = {0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1};

template <typename Totals>
Totals& Named(std::map<std::string, Totals>& map, const std::string& name) {
  if (map.size() >= kMaxNames && !map.contains(name)) return map["(other)"];
  return map[name.empty() ? "-" : name];
}

}  // namespace

void Sample::Add(double value) {
  ++count_;
  if (values_.size() < limit_) {
    values_.push_back(value);
    return;
  }
  // Algorithm R with a xorshift generator: the same trace gives the same sample.
  random_state_ ^= random_state_ << 13;
  random_state_ ^= random_state_ >> 7;
  random_state_ ^= random_state_ << 17;
  const uint64_t at = random_state_ % count_;
  if (at < limit_) values_[at] = value;
}

double Sample::Quantile(double q) {
  if (values_.empty()) return 0;
  const size_t rank = static_cast<size_t>(q * static_cast<double>(values_.size() - 1));
  std::nth_element(values_.begin(), values_.begin() + rank, values_.end());
  return values_[rank];
}

void TraceSummary::Add(const Request& request) {
  if (requests_ == 0) first_s_ = last_s_ = request.time_s;
  if (request.time_s < last_s_) ++out_of_order_;
  last_s_ = std::max(last_s_, request.time_s);
  ++requests_;
  const uint64_t known_blocks = AddBlocks(request.blocks);
  TypeTotals& type = Named(types_, request.type);
  ++type.requests;
  type.blocks += request.blocks.size();
  type.hit_blocks += known_blocks;
  requests_with_blocks_ += request.blocks.empty() ? 0 : 1;
  blocks_ += request.blocks.size();
  hit_blocks_ += known_blocks;
  input_tokens_ += request.input_tokens;
  output_tokens_ += request.output_tokens;
  output_.Add(static_cast<double>(request.output_tokens));
  input_.Add(static_cast<double>(request.input_tokens));
  AddToSession(request, known_blocks);
}

uint64_t TraceSummary::AddBlocks(const std::vector<uint64_t>& blocks) {
  uint64_t known_blocks = 0;
  bool contiguous = true;
  for (const uint64_t block : blocks) {
    contiguous = !seen_.insert(block).second && contiguous;
    if (contiguous) ++known_blocks;
  }
  return known_blocks;
}

void TraceSummary::AddToSession(const Request& request, uint64_t known_blocks) {
  Previous* previous = request.parent >= 0 ? previous_.Find(request.parent) : nullptr;
  ++Named(stops_, request.stop).responses;
  if (previous == nullptr) {
    ++sessions_;
    first_input_.Add(static_cast<double>(request.input_tokens));
    if (known_blocks > 0) {
      ++sessions_with_known_prefix_;
      known_prefix_.Add(static_cast<double>(known_blocks));
    }
  } else {
    ++Named(stops_, request.previous_stop).continued;
    ++(request.turn <= 2 ? continuations_of_first_ : continuations_of_later_);
    const double gap_s = request.time_s - previous->time_s;
    gap_.Add(gap_s);
    if (request.type == "user") user_gap_.Add(gap_s);
    if (request.type == "tool") tool_gap_.Add(gap_s);
    if (request.input_tokens >= previous->input_tokens) {
      growth_.Add(static_cast<double>(request.input_tokens - previous->input_tokens));
    }
  }
  ++(previous == nullptr ? first_turns_ : later_turns_);
  previous_.Set(request.chat, Previous{request.time_s, request.input_tokens});
}

Table TraceSummary::SummaryTable(uint32_t block_tokens) const {
  Table table = Table::Record("summary");
  table.Set("block_tokens", Cell::Count(block_tokens));
  table.Set("requests", Cell::Count(requests_));
  table.Set("requests_with_a_full_block", Cell::Count(requests_with_blocks_));
  table.Set("blocks", Cell::Count(blocks_));
  table.Set("unique_blocks", Cell::Count(seen_.size()));
  table.Set("ideal_hit_ratio", Cell::Share(hit_blocks_, blocks_));
  table.Set("duration_seconds", Cell::Seconds(last_s_ - first_s_));
  table.Set("out_of_order", Cell::Count(out_of_order_));
  table.Set("input_tokens", Cell::Count(input_tokens_));
  table.Set("output_tokens", Cell::Count(output_tokens_));
  table.Set("sessions", Cell::Count(sessions_));
  table.Set("sessions_starting_with_a_known_prefix",
            Cell::Share(sessions_with_known_prefix_, sessions_));
  table.Set("next_turn_after_first_ratio", Cell::Share(continuations_of_first_, first_turns_));
  table.Set("next_turn_after_later_ratio", Cell::Share(continuations_of_later_, later_turns_));
  return table;
}

Table TraceSummary::TypeTable() const {
  Table table{"types", {"type", "requests", "blocks", "ideal_hit_ratio"}, {}};
  for (const auto& [name, totals] : types_) {
    table.AddRow({Cell::Text(name), Cell::Count(totals.requests), Cell::Count(totals.blocks),
                  Cell::Share(totals.hit_blocks, totals.blocks)});
  }
  return table;
}

Table TraceSummary::StopTable() const {
  Table table{"stops", {"stop", "responses", "share_ratio", "continued_ratio"}, {}};
  for (const auto& [name, totals] : stops_) {
    table.AddRow({Cell::Text(name), Cell::Count(totals.responses),
                  Cell::Share(totals.responses, requests_),
                  Cell::Share(totals.continued, totals.responses)});
  }
  return table;
}

Table TraceSummary::DistributionTable() {
  Table table{
      "distributions",
      {"quantity", "n", "p0", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99", "p100"},
      {}};
  const std::pair<const char*, Sample*> samples[] = {
      {"input tokens", &input_},
      {"input tokens, first of a session", &first_input_},
      {"input tokens gained since the previous", &growth_},
      {"output tokens", &output_},
      {"seconds since the previous", &gap_},
      {"seconds since the previous, type user", &user_gap_},
      {"seconds since the previous, type tool", &tool_gap_},
      {"known blocks at a session's start, if any", &known_prefix_},
  };
  for (const auto& [name, sample] : samples) {
    if (sample->count() == 0) continue;
    std::vector<Cell> row = {Cell::Text(name), Cell::Count(sample->count())};
    for (const double q : kQuantiles) row.push_back(Cell::Number(sample->Quantile(q)));
    table.AddRow(std::move(row));
  }
  return table;
}

Report TraceSummary::MakeReport(uint32_t block_tokens) {
  Report report;
  report.tables = {SummaryTable(block_tokens), TypeTable(), StopTable(), DistributionTable()};
  return report;
}

}  // namespace halflife::tools
