#include <string>

#include "common/check.h"
#include "common/units.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

// A value that was read prints as a text that reads as the same value; numbers have only one
// spelling.
void CheckText(const std::string& text) {
  if (const absl::StatusOr<uint64_t> bytes = ParseBytes(text); bytes.ok()) {
    HL_CHECK(*ParseBytes(ExactBytes(*bytes)) == *bytes);
    HL_CHECK(!HumanBytes(*bytes).empty());
  } else {
    HL_CHECK(bytes.status().code() == absl::StatusCode::kInvalidArgument);
    HL_CHECK(bytes.status().message().size() <
             300);  // says what is wrong, does not repeat the input
  }
  if (const absl::StatusOr<absl::Duration> duration = ParseDuration(text); duration.ok()) {
    HL_CHECK(*duration >= absl::ZeroDuration());
    HL_CHECK(*ParseDuration(ExactDuration(*duration)) == *duration);
  }
  if (const absl::StatusOr<int64_t> integer = ParseInteger(text); integer.ok()) {
    HL_CHECK(std::to_string(*integer) == text);
    HL_CHECK(*ParseBytes(text) == static_cast<uint64_t>(*integer));
  }
}

void CheckValue(uint64_t value) {
  const uint64_t bytes = value & ~(uint64_t{1} << 63);
  HL_CHECK(*ParseBytes(ExactBytes(bytes)) == bytes);
  HL_CHECK(*ParseInteger(std::to_string(bytes)) == static_cast<int64_t>(bytes));
  const absl::Duration duration =
      absl::Microseconds(static_cast<int64_t>(value % 3'000'000'000'000'000));
  HL_CHECK(*ParseDuration(ExactDuration(duration)) == duration);
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::ByteSource source(data, size);
  halflife::CheckText(halflife::ByteSource::TextOf(source.rest()));
  halflife::CheckValue(source.Take<uint64_t>());
  return 0;
}
