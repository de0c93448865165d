#include "tools/simulate/request_categories.h"

namespace halflife::tools {
namespace {

const char* TurnBucket(uint32_t turn) {
  if (turn == 0) return "";
  if (turn == 1) return "turn 1";
  if (turn == 2) return "turn 2";
  if (turn <= 4) return "turn 3-4";
  if (turn <= 8) return "turn 5-8";
  return "turn 9+";
}

void Append(const std::string& prefix, const std::string& part, std::string& name) {
  if (part.empty()) return;
  if (!name.empty()) name += ' ';
  name += prefix;
  name += part;
}

}  // namespace

std::string RequestCategories::Name(const Request& request) {
  std::string name = request.type;
  Append("", TurnBucket(request.turn), name);
  Append("after ", request.previous_stop, name);
  return name;
}

Category RequestCategories::Number(const Request& request) {
  std::string name = Name(request);
  if (name.empty()) return kUnknownCategory;
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  if (names_.size() == kMaxCategories) return kUnknownCategory;
  const auto number = static_cast<Category>(names_.size());
  names_.push_back(name);
  numbers_.emplace(std::move(name), number);
  return number;
}

}  // namespace halflife::tools
