#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "common/strings.h"
#include "tools/trace/trace_line.h"

namespace halflife::tools {
namespace {

constexpr size_t kColumns = 9;
// More than any chain that the contract allows, small enough that a forged range cannot exhaust
// memory.
constexpr size_t kMaxBlocksPerRequest = size_t{1} << 20;
constexpr uint32_t kMaxBlockTokens = 1u << 20;

absl::Status FieldError(std::string_view field, std::string_view value, std::string_view what) {
  return absl::InvalidArgumentError(
      StrCat("field '", field, "': '", value.substr(0, 40), "' is not ", what));
}

template <typename Int>
absl::Status ParseInteger(std::string_view field, std::string_view value, Int& out) {
  if (!absl::SimpleAtoi(ToAbsl(value), &out)) {
    return FieldError(field, value,
                      std::is_signed_v<Int> ? "an integer" : "a non-negative integer");
  }
  return absl::OkStatus();
}

absl::Status AppendRange(std::string_view range, std::vector<uint64_t>& blocks) {
  const size_t dash = range.find('-');
  uint64_t first = 0;
  uint64_t last = 0;
  if (dash == std::string_view::npos) {
    HL_RETURN_IF_ERROR(ParseInteger("blocks", range, first));
    last = first;
  } else {
    if (!absl::SimpleAtoi(ToAbsl(range.substr(0, dash)), &first) ||
        !absl::SimpleAtoi(ToAbsl(range.substr(dash + 1)), &last)) {
      return FieldError("blocks", range, "a range of non-negative integers");
    }
    if (last < first) return FieldError("blocks", range, "an ascending range");
  }
  if (last - first >= kMaxBlocksPerRequest - blocks.size()) {
    return absl::InvalidArgumentError(
        StrCat("field 'blocks': more than ", kMaxBlocksPerRequest, " blocks"));
  }
  for (uint64_t id = first; id != last; ++id) blocks.push_back(id);
  blocks.push_back(last);
  return absl::OkStatus();
}

class CompactLineParser final : public LineParser {
 public:
  absl::Status Parse(std::string_view line, Request& request) override {
    std::array<std::string_view, kColumns> fields;
    size_t count = 0;
    for (absl::string_view field : absl::StrSplit(ToAbsl(line), '|')) {
      if (count < kColumns) fields[count] = ToStd(field);
      ++count;
    }
    if (count != kColumns) {
      return absl::InvalidArgumentError(
          StrCat(count, " columns, expected ", kColumns, " (", kCompactColumns, ")"));
    }
    if (!absl::SimpleAtod(ToAbsl(fields[0]), &request.time_s) || !std::isfinite(request.time_s) ||
        request.time_s < 0) {
      return FieldError("t", fields[0], "a time in seconds");
    }
    request.type = std::string(fields[1]);
    HL_RETURN_IF_ERROR(ParseInteger("turn", fields[2], request.turn));
    HL_RETURN_IF_ERROR(ParseInteger("chat", fields[3], request.chat));
    HL_RETURN_IF_ERROR(ParseInteger("parent", fields[4], request.parent));
    HL_RETURN_IF_ERROR(ParseInteger("input_tokens", fields[5], request.input_tokens));
    HL_RETURN_IF_ERROR(ParseInteger("output_tokens", fields[6], request.output_tokens));
    request.stop = std::string(fields[7]);
    if (fields[8].empty()) return absl::OkStatus();
    for (absl::string_view range : absl::StrSplit(ToAbsl(fields[8]), ',')) {
      HL_RETURN_IF_ERROR(AppendRange(ToStd(range), request.blocks));
    }
    return absl::OkStatus();
  }
};

}  // namespace

std::unique_ptr<LineParser> MakeCompactLineParser() {
  return std::make_unique<CompactLineParser>();
}

absl::StatusOr<uint32_t> ParseCompactHeader(std::string_view line) {
  uint32_t block_tokens = 0;
  std::string_view columns;
  if (line.substr(0, kCompactMagic.size()) != kCompactMagic) {
    return absl::InvalidArgumentError(StrCat("expected '", kCompactMagic, "1 …'"));
  }
  line.remove_prefix(kCompactMagic.size());
  const std::vector<absl::string_view> words = absl::StrSplit(ToAbsl(line), ' ', absl::SkipEmpty());
  if (words.empty() || words[0] != "1") {
    return absl::InvalidArgumentError(StrCat("trace version '",
                                             words.empty() ? absl::string_view() : words[0],
                                             "' is not known; this program reads version 1"));
  }
  for (absl::string_view word : words) {
    if (absl::ConsumePrefix(&word, "block_tokens=")) {
      if (!absl::SimpleAtoi(word, &block_tokens) || block_tokens == 0 ||
          block_tokens > kMaxBlockTokens) {
        return FieldError("block_tokens", ToStd(word),
                          StrCat("an integer from 1 to ", kMaxBlockTokens));
      }
    } else if (absl::ConsumePrefix(&word, "columns=")) {
      columns = ToStd(word);
    }
  }
  if (block_tokens == 0) return absl::InvalidArgumentError("the header lacks block_tokens=N");
  if (columns != kCompactColumns) {
    return absl::InvalidArgumentError(
        StrCat("columns '", columns, "', expected '", kCompactColumns, "'"));
  }
  return block_tokens;
}

std::string CompactHeader(uint32_t block_tokens) {
  return StrCat(kCompactMagic, "1 block_tokens=", block_tokens, " columns=", kCompactColumns);
}

std::string FormatBlockRanges(const std::vector<uint64_t>& blocks) {
  std::string text;
  for (size_t i = 0; i < blocks.size();) {
    size_t end = i + 1;
    while (end < blocks.size() && blocks[end] == blocks[end - 1] + 1) ++end;
    if (!text.empty()) text += ',';
    absl::StrAppend(&text, blocks[i]);
    if (end - i > 1) absl::StrAppend(&text, "-", blocks[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace halflife::tools
