#include "tools/simulate/capacity.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/units.h"

namespace halflife::tools {
namespace {

constexpr int kMaxPoints = 1000;
constexpr size_t kMaxItems = 1000;
constexpr double kDayNs = 24 * 3600 * 1e9;

absl::Status CapacityError(std::string_view text, std::string_view what) {
  return absl::InvalidArgumentError(StrCat("capacity '", text, "': ", what));
}

bool ParsePercent(std::string_view text, double& share) {
  if (text.empty() || text.back() != '%') return false;
  text.remove_suffix(1);
  // SimpleAtod also takes signs, blanks, exponents and "inf".
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  if (!absl::SimpleAtod(ToAbsl(text), &share)) return false;
  share /= 100;
  return true;
}

}  // namespace

absl::StatusOr<Capacity> ParseCapacity(std::string_view text) {
  Capacity capacity;
  capacity.text = std::string(text);
  if (!text.empty() && text.back() == '%') {
    if (!ParsePercent(text, capacity.share)) return CapacityError(text, "not a percentage");
    if (capacity.share <= 0 || capacity.share > 1) {
      return CapacityError(text, "must be above 0 % and at most 100 % of the unique blocks");
    }
    return capacity;
  }
  const bool plain = text.find_first_not_of("0123456789") == std::string_view::npos;
  capacity.unit = plain ? Capacity::Unit::kBlocks : Capacity::Unit::kBytes;
  if (plain) {
    const auto blocks = ParseInteger(text);
    if (blocks.ok()) capacity.count = static_cast<uint64_t>(*blocks);
  } else {
    const auto bytes = ParseBytes(text);
    if (bytes.ok()) capacity.count = *bytes;
  }
  if (capacity.count == 0) {
    return CapacityError(text, "give a share (0.5%), a number of blocks (5000) or a size (64GiB)");
  }
  return capacity;
}

absl::StatusOr<std::vector<Capacity>> ParseCapacities(std::string_view list) {
  std::vector<Capacity> capacities;
  for (absl::string_view item : absl::StrSplit(ToAbsl(list), ',')) {
    if (capacities.size() == kMaxItems) {
      return absl::InvalidArgumentError(StrCat("more than ", kMaxItems, " capacities"));
    }
    HL_ASSIGN_OR_RETURN(Capacity capacity, ParseCapacity(ToStd(absl::StripAsciiWhitespace(item))));
    capacities.push_back(std::move(capacity));
  }
  return capacities;
}

absl::StatusOr<TraceCapacity> CapacityFor(const Capacity& capacity, const SimulatedTrace& trace,
                                          uint64_t token_bytes) {
  const auto unique = static_cast<double>(trace.block_count());
  TraceCapacity result;
  result.text = capacity.text;
  switch (capacity.unit) {
    case Capacity::Unit::kShare:
      result.blocks = static_cast<size_t>(std::llround(capacity.share * unique));
      result.ratio = capacity.share;
      break;
    case Capacity::Unit::kBlocks:
      result.blocks = capacity.count;
      break;
    case Capacity::Unit::kBytes:
      result.blocks = capacity.count / (token_bytes * trace.block_tokens);
      break;
  }
  if (result.blocks == 0) {
    return CapacityError(
        capacity.text,
        absl::StrFormat("less than one block: give at least %s (%d unique blocks of %d tokens)",
                        capacity.unit == Capacity::Unit::kShare
                            ? absl::StrFormat("%.3g%%", 100 / unique)
                            : ExactBytes(token_bytes * trace.block_tokens),
                        trace.block_count(), trace.block_tokens));
  }
  // A cache larger than the trace is the infinite cache: no policy need reserve more.
  if (capacity.unit != Capacity::Unit::kShare) {
    result.ratio = static_cast<double>(result.blocks) / unique;
    result.blocks = std::min(result.blocks, trace.block_count());
  }
  return result;
}

absl::StatusOr<double> BlocksPerDay(const Capacity& budget, const SimulatedTrace& trace,
                                    uint64_t token_bytes) {
  if (budget.unit == Capacity::Unit::kBlocks) return static_cast<double>(budget.count);
  if (budget.unit == Capacity::Unit::kBytes) {
    return static_cast<double>(budget.count) /
           static_cast<double>(token_bytes * trace.block_tokens);
  }
  const int64_t duration_ns = trace.requests.back().time_ns - trace.requests.front().time_ns;
  if (duration_ns <= 0) {
    return CapacityError(budget.text, "a share of the references of a trace without a duration");
  }
  return budget.share * static_cast<double>(trace.references.size()) * kDayNs /
         static_cast<double>(duration_ns);
}

absl::StatusOr<std::vector<Capacity>> LogSpacedShares(double low, double high, int points) {
  if (!(low > 0 && low < high && high <= 1)) {
    return absl::InvalidArgumentError("a sweep goes from above 0 % to at most 100 %, upwards");
  }
  if (points < 2 || points > kMaxPoints) {
    return absl::InvalidArgumentError(StrCat("a sweep has 2 to ", kMaxPoints, " points"));
  }
  std::vector<Capacity> capacities;
  for (int i = 0; i < points; ++i) {
    Capacity capacity;
    capacity.share = low * std::pow(high / low, static_cast<double>(i) / (points - 1));
    capacity.share = std::min(capacity.share, high);  // not above it by rounding
    capacity.text = absl::StrFormat("%.3g%%", capacity.share * 100);
    capacities.push_back(std::move(capacity));
  }
  return capacities;
}

absl::StatusOr<double> ParseShare(std::string_view text) {
  double share = -1;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos;
  const bool known =
      ParsePercent(text, share) || (digits && absl::SimpleAtod(ToAbsl(text), &share));
  if (!known || !(share >= 0 && share <= 1)) {
    return absl::InvalidArgumentError(StrCat("'", text, "' is not a share from 0% to 100%"));
  }
  return share;
}

}  // namespace halflife::tools
