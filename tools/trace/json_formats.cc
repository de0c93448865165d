#include <cmath>
#include <limits>
#include <memory>

#include "common/status.h"
#include "common/strings.h"
#include "simdjson.h"
#include "tools/trace/line_reader.h"
#include "tools/trace/trace_line.h"

namespace halflife::tools {
namespace {

static_assert(LineReader::kPaddingBytes >= simdjson::SIMDJSON_PADDING);

using JsonValue = simdjson::ondemand::value;

// Bits of the fields that were there.
enum Field : unsigned {
  kTimestamp = 1,
  kInputLength = 2,
  kOutputLength = 4,
  kHashIds = 8,
  kChatId = 16,
  kParentChatId = 32,
  kType = 64,
  kTurn = 128,
};

struct FieldName {
  std::string_view name;
  Field field;
};
constexpr FieldName kFields[] = {
    {"timestamp", kTimestamp},
    {"input_length", kInputLength},
    {"output_length", kOutputLength},
    {"hash_ids", kHashIds},
    {"chat_id", kChatId},
    {"parent_chat_id", kParentChatId},
    {"type", kType},
    {"turn", kTurn},
};
constexpr unsigned kMooncakeRequired = kTimestamp | kInputLength | kOutputLength | kHashIds;
constexpr unsigned kQwenRequired = kMooncakeRequired | kChatId | kParentChatId | kType | kTurn;

absl::Status FieldError(std::string_view field, std::string_view expected) {
  return absl::InvalidArgumentError(StrCat("field '", field, "': expected ", expected));
}

absl::Status ReadNumber(JsonValue value, std::string_view field, double& out) {
  if (value.get_double().get(out) != simdjson::SUCCESS || !std::isfinite(out) || out < 0) {
    return FieldError(field, "a non-negative number");
  }
  return absl::OkStatus();
}

template <typename Int>
absl::Status ReadCount(JsonValue value, std::string_view field, Int& out) {
  uint64_t number = 0;
  if (value.get_uint64().get(number) != simdjson::SUCCESS ||
      number > static_cast<uint64_t>(std::numeric_limits<Int>::max())) {
    return FieldError(field, "a non-negative integer");
  }
  out = static_cast<Int>(number);
  return absl::OkStatus();
}

absl::Status ReadId(JsonValue value, std::string_view field, int64_t& out) {
  if (value.get_int64().get(out) != simdjson::SUCCESS) return FieldError(field, "an integer");
  return absl::OkStatus();
}

absl::Status ReadText(JsonValue value, std::string_view field, std::string& out) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) return FieldError(field, "a string");
  out = std::string(text);
  return absl::OkStatus();
}

absl::Status ReadBlocks(JsonValue value, std::vector<uint64_t>& blocks) {
  simdjson::ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) {
    return FieldError("hash_ids", "an array of non-negative integers");
  }
  for (auto element : array) {
    uint64_t id = 0;
    if (element.get_uint64().get(id) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(
          StrCat("field 'hash_ids': element ", blocks.size(), " is not a non-negative integer"));
    }
    blocks.push_back(id);
  }
  return absl::OkStatus();
}

class JsonLineParser final : public LineParser {
 public:
  explicit JsonLineParser(TraceFormat format)
      : required_(format == TraceFormat::kQwen ? kQwenRequired : kMooncakeRequired),
        seconds_per_unit_(format == TraceFormat::kQwen ? 1.0 : 1e-3) {}

  absl::Status Parse(std::string_view line, Request& request) override {
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    const simdjson::padded_string_view padded(line.data(), line.size(),
                                              line.size() + LineReader::kPaddingBytes);
    if (parser_.iterate(padded).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError("expected a JSON object");
    }
    unsigned present = 0;
    for (auto entry : object) {
      std::string_view key;
      simdjson::ondemand::field field;
      if (std::move(entry).get(field) != simdjson::SUCCESS ||
          field.unescaped_key().get(key) != simdjson::SUCCESS) {
        return absl::InvalidArgumentError("malformed JSON");
      }
      for (const FieldName& known : kFields) {
        if (key != known.name) continue;
        present |= known.field;
        HL_RETURN_IF_ERROR(ReadField(known, field.value(), request));
      }
    }
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::SUCCESS) {
      return absl::InvalidArgumentError("text after the JSON object");
    }
    for (const FieldName& known : kFields) {
      if ((required_ & known.field & ~present) != 0) {
        return absl::InvalidArgumentError(StrCat("field '", known.name, "' is missing"));
      }
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadField(const FieldName& known, JsonValue value, Request& request) {
    switch (known.field) {
      case kTimestamp:
        HL_RETURN_IF_ERROR(ReadNumber(value, known.name, request.time_s));
        request.time_s *= seconds_per_unit_;
        return absl::OkStatus();
      case kInputLength:
        return ReadCount(value, known.name, request.input_tokens);
      case kOutputLength:
        return ReadCount(value, known.name, request.output_tokens);
      case kHashIds:
        return ReadBlocks(value, request.blocks);
      case kChatId:
        return ReadCount(value, known.name, request.chat);
      case kParentChatId:
        return ReadId(value, known.name, request.parent);
      case kType:
        return ReadText(value, known.name, request.type);
      case kTurn:
        return ReadCount(value, known.name, request.turn);
    }
    return absl::OkStatus();
  }

  const unsigned required_;
  const double seconds_per_unit_;
  simdjson::ondemand::parser parser_;
};

}  // namespace

std::unique_ptr<LineParser> MakeJsonLineParser(TraceFormat format) {
  return std::make_unique<JsonLineParser>(format);
}

}  // namespace halflife::tools
