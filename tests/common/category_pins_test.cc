#include "common/block/category_pins.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace halflife {
namespace {

using testing::HasSubstr;

std::string WrongWith(const absl::Status& status) { return std::string(status.message()); }

TEST(CategoryPins, AreNamesWithConditionsOnAttributes) {
  const auto rules = ParsePinRules("vip: tenant=acme|umbrella turn=3-8 ;tools:stop=tool_use");

  ASSERT_TRUE(rules.ok()) << rules.status();
  ASSERT_EQ(rules->size(), 2u);
  EXPECT_EQ((*rules)[0].name, "vip");
  ASSERT_EQ((*rules)[0].conditions.size(), 2u);
  EXPECT_EQ((*rules)[0].conditions[0].attribute, "tenant");
  EXPECT_THAT((*rules)[0].conditions[0].values, testing::ElementsAre("acme", "umbrella"));
  EXPECT_EQ((*rules)[1].name, "tools");
  EXPECT_TRUE(ParsePinRules("")->empty());
}

TEST(CategoryPins, SayWhatIsWrongWithThem) {
  const std::pair<const char*, const char*> wrong[] = {
      {"a: turn=1;", "expected NAME:"},
      {"a b: turn=1", "a name has letters"},
      {"0123456789012345678901234567890123: turn=1", "a name has letters"},
      {"chat/1: turn=1", "a name has letters"},
      {"a: label.=x", "no attribute"},
      {"a: blocks=many", "not a number"},
      {"a: type=x||y", "an empty value"},
  };
  for (const auto& [text, message] : wrong) {
    const auto rules = ParsePinRules(text);
    EXPECT_EQ(rules.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(WrongWith(rules.status()), HasSubstr(message)) << text;
  }
}

TEST(CategoryPins, AreBounded) {
  std::string names, rules;
  for (size_t i = 0; i < kMaxPinnedCategories; ++i) names += "n" + std::to_string(i) + ": turn=1;";
  for (size_t i = 1; i < kMaxPinRules; ++i) rules += "same: turn=1;";

  EXPECT_TRUE(ParsePinRules(names + "n0: turn=2").ok());
  EXPECT_THAT(WrongWith(ParsePinRules(names + "one-more: turn=2").status()), HasSubstr("at most"));
  EXPECT_TRUE(ParsePinRules(rules + "same: turn=2").ok());
  EXPECT_THAT(WrongWith(ParsePinRules(rules + "same: turn=2; same: turn=3").status()),
              HasSubstr("at most"));
}

TEST(CategoryPins, OfADaemonAskOnlyForWhatCallsSay) {
  EXPECT_TRUE(ParseDaemonPinRules("a: type=x turn=1 stop=y tenant=z lora=unknown label.k=v").ok());
  EXPECT_THAT(WrongWith(ParseDaemonPinRules("a: turn=1; b: role=new").status()),
              HasSubstr("'b': 'role' is not said with every call"));
}

TEST(CategoryPins, ARangeIncludesItsEnds) {
  EXPECT_EQ(ParseNumberRange("3-8")->low, 3u);
  EXPECT_EQ(ParseNumberRange("3-8")->high, 8u);
  EXPECT_EQ(ParseNumberRange("4")->high, 4u);
  EXPECT_EQ(ParseNumberRange("9+")->high, UINT64_MAX);
  EXPECT_EQ(ParseNumberRange("unknown")->high, 0u);
  for (const char* text : {"", "0", "8-3", "x", "3-", "-3", "+"}) {
    EXPECT_FALSE(ParseNumberRange(text).ok()) << text;
  }
}

}  // namespace
}  // namespace halflife
