#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/residency/categories/attribute_schema.h"
#include "storage/residency/categories/category_words.h"

namespace halflife {
namespace {

using testing::HasSubstr;

RequestDescription Described(std::string_view type, uint32_t turn) {
  RequestDescription request;
  request.type = type;
  request.turn = turn;
  return request;
}

TEST(AttributeSchema, CountsTurnsInOrdersOfMagnitude) {
  AttributeSchema schema;
  const auto level = [&schema](uint32_t turn) {
    return int{schema.LevelsOf(Described("chat", turn))[AttributeSchema::kTurn]};
  };

  EXPECT_EQ(level(0), 0);
  EXPECT_EQ(level(1), 1);
  EXPECT_EQ(level(2), 2);
  EXPECT_EQ(level(3), level(4));
  EXPECT_EQ(level(5), level(8));
  EXPECT_NE(level(8), level(9));
  EXPECT_EQ(level(65), level(1'000'000));
}

TEST(AttributeSchema, WhatIsNotSaidIsUnknownAndWhatIsTooManyIsOther) {
  AttributeSchema schema;

  EXPECT_EQ(schema.LevelsOf({})[AttributeSchema::kType], 0);
  for (int i = 0; i < 1000; ++i) schema.LevelsOf(Described("type" + std::to_string(i), 1));

  EXPECT_EQ(schema.LevelsOf(Described("type0", 1))[AttributeSchema::kType], 1);
  EXPECT_EQ(schema.LevelsOf(Described("type999", 1))[AttributeSchema::kType],
            LevelDictionary::kOther);
}

TEST(AttributeSchema, AFirstBlockBecomesATemplateOnceManyRequestsShareIt) {
  AttributeSchema schema;
  RequestDescription request;
  request.first_block = "b7";

  for (uint32_t i = 1; i < AttributeSchema::kTemplateRequests; ++i) {
    EXPECT_EQ(schema.LevelsOf(request)[AttributeSchema::kTemplate], LevelDictionary::kOther);
  }
  EXPECT_EQ(schema.LevelsOf(request)[AttributeSchema::kTemplate], 1);
}

TEST(AttributeSchema, LabelsBeyondTheLimitAreNotLookedAt) {
  AttributeSchema schema;
  std::vector<std::pair<std::string, std::string>> labels;
  for (int i = 0; i < 20; ++i) labels.emplace_back("key" + std::to_string(i), "value");
  RequestDescription request;
  request.labels = labels;

  const RequestLevels levels = schema.LevelsOf(request);

  EXPECT_EQ(levels[AttributeSchema::kFirstLabel], 1);
  EXPECT_EQ(schema.Describe().size(), size_t{kMaxAttributes});
}

TEST(CategoryPins, MatchWhatTheySay) {
  AttributeSchema schema;
  const auto pins = schema.ParsePins("vip: tenant=acme|umbrella turn=3-8");
  ASSERT_TRUE(pins.ok()) << pins.status();
  const CategoryPin& pin = pins->front();
  RequestDescription request = Described("chat", 4);
  request.tenant = "umbrella";

  EXPECT_EQ(pin.name, "vip");
  EXPECT_TRUE(Matches(pin.rules[0], schema.LevelsOf(request)));
  request.turn = 2;
  EXPECT_FALSE(Matches(pin.rules[0], schema.LevelsOf(request)));
  request.turn = 5;
  request.tenant = "other";
  EXPECT_FALSE(Matches(pin.rules[0], schema.LevelsOf(request)));
}

TEST(CategoryPins, TheFirstThatMatchesTakesTheRequest) {
  AttributeSchema schema;
  const CategoryTree tree(*schema.ParsePins("late: turn=9+; chat: type=chat"));

  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("chat", 20))), 0);
  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("chat", 2))), 1);
  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("api", 2))), 2);
}

TEST(CategoryPins, OfOneNameAreOneCategory) {
  AttributeSchema schema;
  const CategoryTree tree(*schema.ParsePins("a: turn=9+; b: type=api; a: type=chat"));

  EXPECT_EQ(tree.pins().size(), 2U);
  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("agent", 20))), 0);
  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("chat", 2))), 0);
  EXPECT_EQ(tree.CategoryOf(schema.LevelsOf(Described("api", 2))), 1);
}

TEST(CategoryPins, SayWhatIsWrongWithThem) {
  AttributeSchema schema;
  const std::pair<const char*, const char*> wrong[] = {{"vip", "expected NAME:"},
                                                       {": type=chat", "no name"},
                                                       {"vip:", "no condition"},
                                                       {"vip: type", "has no ="},
                                                       {"vip: colour=red", "no attribute"},
                                                       {"vip: type=", "empty value"},
                                                       {"vip: turn=0", "not a number"},
                                                       {"vip: turn=8-3", "not a number"},
                                                       {"vip: turn=x+", "not a number"},
                                                       {"vip: turn=3-6", "cuts turn 5-8"}};
  for (const auto& [text, message] : wrong) {
    const auto pin = schema.ParsePins(text);
    EXPECT_EQ(pin.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(pin.status().message()), HasSubstr(message)) << text;
  }
}

TEST(CategoryWords, NameLevelsAndLeaveOutWhatExcludesNothing) {
  AttributeSchema schema;
  ObservationTable table;
  for (const char* type : {"chat", "api", "agent"}) {
    for (const uint32_t turn : {1, 2, 3, 5, 9}) {
      table.StartRequest(schema.LevelsOf(Described(type, turn)));
    }
  }
  const ObservationTable* const tables[] = {&table};
  const LevelRule seen = LevelsSeen(tables);
  LevelRule rule = AnyLevels();

  EXPECT_EQ(RuleInWords(rule, schema.Describe(), seen), "all");
  rule[AttributeSchema::kTurn] = SetOf(3) | SetOf(4) | SetOf(8);
  rule[AttributeSchema::kType] = ~SetOf(1);
  EXPECT_EQ(RuleInWords(rule, schema.Describe(), seen), "type not chat, turn 3-8");
  rule[AttributeSchema::kTurn] = ~SetOf(4);
  rule[AttributeSchema::kType] = SetOf(3);
  EXPECT_EQ(RuleInWords(rule, schema.Describe(), seen), "type agent, turn 1-4 or 9-16");
}

TEST(CategoryWords, RulesThatDifferInOneAttributeAreOne) {
  LevelRule a = AnyLevels(), b = AnyLevels(), c = AnyLevels();
  a[0] = SetOf(1), a[1] = SetOf(1);
  b[0] = SetOf(1), b[1] = SetOf(2);
  c[0] = SetOf(2), c[1] = SetOf(1) | SetOf(2);

  const std::vector<LevelRule> simple = Simplified({a, b, c});

  ASSERT_EQ(simple.size(), 1u);
  EXPECT_EQ(simple.front()[0], SetOf(1) | SetOf(2));
  EXPECT_EQ(simple.front()[1], SetOf(1) | SetOf(2));
}

TEST(ChainLineage, FindsTurnsAndRolesByBlocksAlone) {
  ChainLineage lineage;
  const std::vector<uint64_t> first = {1, 2}, second = {1, 2, 3}, branch = {1, 9},
                              again = {1, 2, 4};

  const auto one = lineage.Add(first, 0);
  const auto two = lineage.Add(second, 2);
  const auto other = lineage.Add(branch, 1);
  const auto once_more = lineage.Add(again, 2);  // {1, 2} was continued already

  EXPECT_EQ(one.role, RequestRole::kNew);
  EXPECT_EQ(two.role, RequestRole::kContinues);
  EXPECT_EQ(two.turn, 2u);
  EXPECT_EQ(other.role, RequestRole::kShares);
  EXPECT_EQ(other.turn, 1u);
  EXPECT_EQ(once_more.role, RequestRole::kShares);
}

TEST(ChainLineage, BelievesTheTurnThatIsSaidAndForgetsTheOldest) {
  ChainLineage lineage(2);
  const auto chain = [](uint64_t first, size_t blocks) {
    std::vector<uint64_t> ids;
    for (size_t i = 0; i < blocks; ++i) ids.push_back(first + i);
    return ids;
  };

  EXPECT_EQ(lineage.Add(chain(10, 1), 0, 7).turn, 7u);
  EXPECT_EQ(lineage.Add(chain(10, 2), 1).turn, 8u);
  lineage.Add(chain(20, 1), 0);
  lineage.Add(chain(30, 1), 0);
  EXPECT_EQ(lineage.Add(chain(10, 3), 2).role, RequestRole::kShares);
}

}  // namespace
}  // namespace halflife
