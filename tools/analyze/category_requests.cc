#include "tools/analyze/category_requests.h"

#include <algorithm>

#include "common/status.h"
#include "common/strings.h"

namespace halflife::tools {
namespace {

// How traces of coding agents name requests of sub-agents.
constexpr char kSubAgentType[] = "sub";

}  // namespace

// An id names its whole prefix, so what is known is a prefix of the chain.
size_t CategoryRecorder::CountKnown(const std::vector<uint64_t>& blocks) {
  const auto first_new = std::partition_point(
      blocks.begin(), blocks.end(), [this](uint64_t block) { return known_.contains(block); });
  known_.insert(first_new, blocks.end());
  return static_cast<size_t>(first_new - blocks.begin());
}

absl::StatusOr<bool> CategoryRecorder::Next(Request& request) {
  HL_ASSIGN_OR_RETURN(const bool any, source_.Next(request));
  if (!any || request.blocks.empty()) return any;
  const ChainLineage::Place place =
      lineage_.Add(request.blocks, CountKnown(request.blocks), request.turn);
  const std::string first_block = StrCat(request.blocks.front());
  RequestDescription description;
  description.type = request.type;
  description.turn = place.turn;
  description.stop_reason = request.previous_stop;
  if (!recorded_.only_said) {
    description.is_sub_agent = request.type == kSubAgentType;
    description.role = place.role;
    description.blocks = request.blocks.size();
    description.first_block = first_block;
  }
  recorded_.requests.push_back({recorded_.schema.LevelsOf(description), request.chat, place.turn});
  return true;
}

}  // namespace halflife::tools
