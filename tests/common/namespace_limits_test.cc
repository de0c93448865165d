#include "common/block/namespace_limits.h"

#include "gmock/gmock.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  return std::string(ParseNamespaceLimits(text).status().message());
}

TEST(NamespaceLimits, SayWhomTheyTakeAndHowMuch) {
  const auto rules = ParseNamespaceLimits(
      "gold: tenant=acme|umbrella model=llama min_bytes=8GiB ; rest: max_bytes=1GiB");

  ASSERT_TRUE(rules.ok()) << rules.status();
  ASSERT_EQ(rules->size(), 2u);
  EXPECT_EQ((*rules)[0].name, "gold");
  EXPECT_EQ((*rules)[0].min_bytes, uint64_t{8} << 30);
  EXPECT_EQ((*rules)[0].max_bytes, UINT64_MAX);
  EXPECT_EQ((*rules)[1].min_bytes, 0u);
  EXPECT_EQ((*rules)[1].max_bytes, uint64_t{1} << 30);
  NamespaceDescriptor descriptor;
  descriptor.model_name = "llama";
  descriptor.tenant = "umbrella";
  EXPECT_TRUE((*rules)[0].Takes(descriptor));
  descriptor.tenant = "other";
  EXPECT_FALSE((*rules)[0].Takes(descriptor));
  EXPECT_TRUE((*rules)[1].Takes(descriptor));
}

TEST(NamespaceLimits, NoneIsNone) {
  const auto rules = ParseNamespaceLimits("  ");

  ASSERT_TRUE(rules.ok()) << rules.status();
  EXPECT_TRUE(rules->empty());
}

TEST(NamespaceLimits, WhatIsWrongIsNamed) {
  EXPECT_THAT(ErrorOf("tenant=a min_bytes=1MiB"), HasSubstr("expected NAME:"));
  EXPECT_THAT(ErrorOf("a b: min_bytes=1MiB"), HasSubstr("a name has letters"));
  EXPECT_THAT(ErrorOf("a: colour=red min_bytes=1MiB"), HasSubstr("'colour' is unknown"));
  EXPECT_THAT(ErrorOf("a: tenant=x"), HasSubstr("neither min_bytes nor max_bytes"));
  EXPECT_THAT(ErrorOf("a: min_bytes"), HasSubstr("has no ="));
  EXPECT_THAT(ErrorOf("a: min_bytes=much"), HasSubstr("a: min_bytes=much"));
  EXPECT_THAT(ErrorOf("a: min_bytes=1MiB min_bytes=2MiB"), HasSubstr("'min_bytes' is there twice"));
  EXPECT_THAT(ErrorOf("a: min_bytes=2MiB max_bytes=1MiB"), HasSubstr("min_bytes of 2MiB is above"));
  EXPECT_THAT(ErrorOf("a: min_bytes=1MiB; a: min_bytes=1MiB"), HasSubstr("'a' is there twice"));
}

TEST(NamespaceLimits, TheLastRuleFitsAndTheNextDoesNot) {
  std::string text = "r0: min_bytes=1MiB";
  for (size_t i = 1; i < kMaxNamespaceLimits; ++i) {
    text += ";r" + std::to_string(i) + ": min_bytes=1MiB";
  }

  EXPECT_TRUE(ParseNamespaceLimits(text).ok());
  EXPECT_THAT(ErrorOf(text + "; more: min_bytes=1MiB"),
              HasSubstr("17 namespace limits, at most 16"));
}

TEST(NamespaceLimits, FloorsTogetherLeaveATenthOfTheTierToOthers) {
  const auto rules =
      *ParseNamespaceLimits("a: tenant=a min_bytes=5MiB; b: tenant=b min_bytes=4MiB");
  const auto absurd = *ParseNamespaceLimits("a: min_bytes=1MiB; b: min_bytes=9223372036854775807");

  EXPECT_TRUE(CheckNamespaceFloors(rules, 10 << 20).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckNamespaceFloors(rules, (10 << 20) - 10)));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckNamespaceFloors(absurd, 10 << 20)));
}

}  // namespace
}  // namespace halflife
