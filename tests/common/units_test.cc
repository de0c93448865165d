#include "common/units.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

namespace halflife {
namespace {

TEST(ParseBytes, ReadsPlainNumbersAndBinaryUnits) {
  EXPECT_EQ(*ParseBytes("0"), 0u);
  EXPECT_EQ(*ParseBytes("4096"), 4096u);
  EXPECT_EQ(*ParseBytes("7B"), 7u);
  EXPECT_EQ(*ParseBytes("64KiB"), 64u << 10);
  EXPECT_EQ(*ParseBytes("1.5GiB"), uint64_t{3} << 29);
  EXPECT_EQ(*ParseBytes("0.125KiB"), 128u);
  EXPECT_EQ(*ParseBytes("2TiB"), uint64_t{1} << 41);
  EXPECT_EQ(*ParseBytes("8191PiB"), uint64_t{8191} << 50);
  EXPECT_EQ(*ParseBytes("9223372036854775807"), uint64_t{INT64_MAX});
}

struct Refusal {
  std::string text;
  std::string remedy;
};

TEST(ParseBytes, RefusesWhatItCannotReadAndNamesTheRemedy) {
  const Refusal refusals[] = {
      {"", "write for example 64KiB"},
      {"1e3", "without an exponent"},
      {"-1", "must not be negative"},
      {"+1", "must begin with a digit"},
      {"GiB", "must begin with a digit"},
      {" 1", "must begin with a digit"},
      {"1GB", "write 1GiB"},
      {"1G", "write 1GiB"},
      {"1gib", "write 1GiB"},
      {"1Gi", "write 1GiB"},
      {"16 GiB", "without a space"},
      {"1_000", "without separators"},
      {"1,5GiB", "without separators"},
      {"010", "leading zero"},
      {"3furlongs", "the units are B, KiB, MiB, GiB, TiB, PiB"},
      {"1.0005KiB", "at most 3 decimals"},
      {"1.B", "a digit must follow the point"},
      {"0.001KiB", "not a whole number of bytes"},
      {"1.5", "not a whole number of bytes"},
      {"9223372036854775808", "too large"},
      {"99999999999999999999999", "too large"},
      {"8192PiB", "too large"},
  };
  for (const Refusal& refusal : refusals) {
    const auto bytes = ParseBytes(refusal.text);

    ASSERT_FALSE(bytes.ok()) << refusal.text;
    EXPECT_EQ(bytes.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(bytes.status().message().find(refusal.remedy), std::string::npos) << bytes.status();
    EXPECT_NE(bytes.status().message().find('"' + refusal.text + '"'), std::string::npos);
  }
}

TEST(ParseDuration, ReadsUnitsFromMicrosecondsToDays) {
  EXPECT_EQ(*ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseDuration("250us"), absl::Microseconds(250));
  EXPECT_EQ(*ParseDuration("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseDuration("1.5s"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(*ParseDuration("5m"), absl::Minutes(5));
  EXPECT_EQ(*ParseDuration("1h"), absl::Hours(1));
  EXPECT_EQ(*ParseDuration("36500d"), absl::Hours(24 * 36500));
}

TEST(ParseDuration, RefusesWhatItCannotReadAndNamesTheRemedy) {
  const Refusal refusals[] = {
      {"", "write for example 30s"},    {"30", "write 30s or 30ms"},
      {"-1s", "must not be negative"},  {"1e3s", "without an exponent"},
      {"5min", "the units are us, ms"}, {"5 m", "without a space"},
      {"1.5us", "whole number"},        {"36501d", "above 100 years"},
      {"1S", "the units are"},          {"9223372036854775807d", "above 100 years"},
  };
  for (const Refusal& refusal : refusals) {
    const auto duration = ParseDuration(refusal.text);

    ASSERT_FALSE(duration.ok()) << refusal.text;
    EXPECT_NE(duration.status().message().find(refusal.remedy), std::string::npos)
        << duration.status();
  }
}

TEST(ParseInteger, TakesDecimalDigitsOnly) {
  EXPECT_EQ(*ParseInteger("0"), 0);
  EXPECT_EQ(*ParseInteger("9223372036854775807"), INT64_MAX);
  for (const char* text : {"", "010", "0x10", "0o7", "1_000", "1e3", "1.0", "-1", "+1", "8 ", "ten",
                           "9223372036854775808"}) {
    EXPECT_FALSE(ParseInteger(text).ok()) << text;
  }
}

TEST(ExactBytes, IsReadBackAsTheSameNumber) {
  EXPECT_EQ(ExactBytes(0), "0");
  EXPECT_EQ(ExactBytes(1), "1B");
  EXPECT_EQ(ExactBytes(uint64_t{3} << 29), "1536MiB");
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{1023}, uint64_t{1} << 40, uint64_t{INT64_MAX}}) {
    EXPECT_EQ(*ParseBytes(ExactBytes(bytes)), bytes);
  }
}

TEST(ExactDuration, IsReadBackAsTheSameDuration) {
  EXPECT_EQ(ExactDuration(absl::Milliseconds(1500)), "1500ms");
  EXPECT_EQ(ExactDuration(absl::Hours(48)), "2d");
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Microseconds(1), absl::Seconds(61)}) {
    EXPECT_EQ(*ParseDuration(ExactDuration(duration)), duration);
  }
}

TEST(HumanBytes, KeepsThreeDigits) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1000), "0.98 KiB");
  EXPECT_EQ(HumanBytes(uint64_t{3} << 29), "1.50 GiB");
  EXPECT_EQ(HumanBytes(uint64_t{300} << 20), "300 MiB");
}

}  // namespace
}  // namespace halflife
