#include "storage/residency/recency_policy.h"

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"

namespace halflife {
namespace {

BlockKey KeyNamed(const std::string& name) {
  BlockKey key;
  key.ns.fill(9);
  key.block = Xxh3_128(AsBytes(name), 1);
  return key;
}

// Runs a scenario, one step per line; times are seconds:
//   insert dram|ssd NAME [<PARENT] DEPTH @TIME [#CATEGORY]
//   remove dram|ssd NAME
//   touch NAME,NAME,… @TIME [#CATEGORY]     a chain, first block first
//   skip dram|ssd NAME · clear
//   victim dram|ssd NAME|none               fails unless it is this one
//   evict dram|ssd NAME,NAME,…              these are the next victims, and are removed
class Scenario {
 public:
  void Run(const std::string& script) {
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
      SCOPED_TRACE(line);
      Words words(line);
      if (!words.verb.empty()) Step(words);
    }
  }

 private:
  struct Words {
    explicit Words(const std::string& line) {
      std::istringstream in(line);
      in >> verb;
      for (std::string word; in >> word;) {
        if (word == "dram" || word == "ssd") {
          tier = word == "dram" ? Tier::kDram : Tier::kSsd;
        } else if (word[0] == '@') {
          time_ns = std::stoll(word.substr(1)) * 1000000000;
        } else if (word[0] == '#') {
          category = static_cast<Category>(std::stoi(word.substr(1)));
        } else if (word[0] == '<') {
          parent = word.substr(1);
        } else if (std::isdigit(static_cast<unsigned char>(word[0]))) {
          depth = std::stoul(word);
        } else {
          names = absl::StrSplit(word, ',');
        }
      }
    }
    std::string verb, parent;
    Tier tier = Tier::kDram;
    int64_t time_ns = 0;
    Category category = kUnknownCategory;
    uint32_t depth = 0;
    std::vector<std::string> names;
  };

  std::string NameOf(const std::optional<BlockKey>& key) {
    return key ? known_.at(*key) : std::string("none");
  }

  void Step(const Words& words) {
    std::vector<BlockKey> keys;
    for (const std::string& name : words.names) {
      keys.push_back(KeyNamed(name));
      known_[keys.back()] = name;
    }
    if (words.verb == "insert") {
      BlockFacts facts;
      facts.key = keys[0];
      if (!words.parent.empty()) facts.parent = KeyNamed(words.parent);
      facts.depth = words.depth;
      facts.category = words.category;
      facts.last_touch_ns = words.time_ns;
      policy_.OnInsert(words.tier, facts);
    } else if (words.verb == "remove") {
      policy_.OnRemove(words.tier, keys[0]);
    } else if (words.verb == "touch") {
      policy_.OnTouch({words.time_ns, words.category, keys});
    } else if (words.verb == "skip") {
      policy_.Skip(words.tier, keys[0]);
    } else if (words.verb == "clear") {
      policy_.ClearSkips();
    } else if (words.verb == "victim") {
      EXPECT_EQ(NameOf(policy_.NextVictim(words.tier, 0)), words.names[0]);
    } else if (words.verb == "evict") {
      for (size_t i = 0; i < keys.size(); ++i) {
        EXPECT_EQ(NameOf(policy_.NextVictim(words.tier, 0)), words.names[i]);
        policy_.OnRemove(words.tier, keys[i]);
      }
    } else {
      FAIL() << "unknown verb";
    }
  }

  RecencyPolicy policy_;
  std::map<BlockKey, std::string> known_;
};

TEST(RecencyPolicy, AnEmptyTierHasNoVictim) {
  Scenario().Run(R"(
    victim dram none
    insert dram a 0 @1
    victim ssd none
  )");
}

TEST(RecencyPolicy, TheLongestIdleGoesFirst) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b 0 @2
    insert dram c 0 @3
    touch a @4
    evict dram b,c,a
    victim dram none
  )");
}

TEST(RecencyPolicy, HeadsOfCategoriesAreComparedByTheirLastTouch) {
  Scenario().Run(R"(
    insert dram a 0 @1 #1
    insert dram b 0 @2 #2
    insert dram c 0 @3 #1
    insert dram d 0 @4 #3
    evict dram a,b,c,d
  )");
}

TEST(RecencyPolicy, ATailGoesBeforeItsHead) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b <a 1 @2
    insert dram c <b 2 @3
    evict dram c,b,a
  )");
}

TEST(RecencyPolicy, ATailPutBeforeItsHeadStillGoesFirst) {
  Scenario().Run(R"(
    insert dram c <b 2 @1
    insert dram b <a 1 @2
    insert dram a 0 @3
    evict dram c,b,a
  )");
}

TEST(RecencyPolicy, ATouchOfAPrefixLeavesTheTailColder) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b <a 1 @1
    insert dram c <b 2 @1
    insert dram x 0 @5
    touch a,b @9
    evict dram c,x,b,a
  )");
}

TEST(RecencyPolicy, AChildInAnotherCategoryKeepsItsParent) {
  Scenario().Run(R"(
    insert dram a 0 @1 #1
    insert dram b <a 1 @50 #2
    insert dram x 0 @20 #1
    evict dram x,b,a
  )");
}

TEST(RecencyPolicy, APutWarmsThePrefixItContinues) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b <a 1 @1
    insert dram x 0 @50
    insert dram c <b 2 @100
    evict dram x,c,b,a
  )");
}

TEST(RecencyPolicy, BranchesGoBeforeTheirCommonTrunk) {
  Scenario().Run(R"(
    insert dram trunk 0 @1
    insert dram left <trunk 1 @2
    insert dram right <trunk 1 @3
    touch trunk,right @10
    evict dram left,right,trunk
  )");
}

TEST(RecencyPolicy, ATouchMovesABlockToTheCategoryOfTheRequest) {
  Scenario().Run(R"(
    insert dram a 0 @1 #1
    insert dram b 0 @2 #1
    touch a @3 #2
    touch b @4
    evict dram a,b
  )");
}

TEST(RecencyPolicy, ASkippedBlockIsPassedOverUntilItIsClearedOrTouched) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b 0 @2
    insert dram c 0 @3
    skip dram a
    skip dram b
    victim dram c
    clear
    victim dram a
    skip dram a
    skip dram b
    touch b @9
    evict dram c,b
    victim dram none
    clear
    victim dram a
  )");
}

TEST(RecencyPolicy, ASkippedTailKeepsItsHead) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b <a 1 @1
    skip dram b
    victim dram none
    remove dram b
    victim dram a
  )");
}

TEST(RecencyPolicy, OnSsdWhatLeftDramFirstGoesFirst) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b 0 @2
    insert ssd a 0 @1
    remove dram a
    insert ssd b 0 @2
    remove dram b
    evict ssd a,b
  )");
}

TEST(RecencyPolicy, OnSsdABlockThatIsInDramTooGoesLast) {
  Scenario().Run(R"(
    insert ssd a 0 @1
    insert ssd b 0 @2
    insert dram a 0 @3
    insert ssd c 0 @4
    evict ssd b,c,a
    victim dram a
  )");
}

TEST(RecencyPolicy, OnSsdTheParentOfADramBlockStays) {
  Scenario().Run(R"(
    insert ssd a 0 @1
    insert ssd x 0 @5
    insert dram b <a 1 @6
    evict ssd x
    victim ssd none
    remove dram b
    victim ssd a
  )");
}

TEST(RecencyPolicy, RemovalsInAnyOrderLeaveNothingBehind) {
  Scenario().Run(R"(
    insert dram a 0 @1
    insert dram b <a 1 @2
    insert dram c <b 2 @3
    remove dram b
    evict dram c,a
    victim dram none
    insert dram b <a 1 @4
    evict dram b
    remove dram b
    victim dram none
  )");
}

TEST(RecencyPolicy, ARingOfParentsCanBeEvicted) {
  Scenario().Run(R"(
    insert dram a <b 1 @1
    insert dram b <a 2 @2
    evict dram a,b
    insert dram a <b 5 @1
    insert dram b <c 5 @2
    insert dram c <a 5 @3
    evict dram a,b,c
  )");
}

// --- Against a slow and obvious model

TEST(RecencyPolicy, NoVictimEverHasAChildInItsTier) {
  constexpr uint64_t kSeed = 20240817;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937_64 random(kSeed);
  RecencyPolicy policy;
  constexpr int kBlocks = 300;
  const auto parent_of = [](int i) { return i % 10 == 0 ? -1 : i % 10 == 5 ? i - 3 : i - 1; };
  std::vector<BlockFacts> facts(kBlocks);
  for (int i = 0; i < kBlocks; ++i) {
    facts[i].key = KeyNamed(absl::StrCat(i));
    if (parent_of(i) >= 0) facts[i].parent = KeyNamed(absl::StrCat(parent_of(i)));
    facts[i].depth = parent_of(i) < 0 ? 0 : facts[parent_of(i)].depth + 1;
  }
  std::map<BlockKey, int> number;
  for (int i = 0; i < kBlocks; ++i) number[facts[i].key] = i;
  std::array<std::set<int>, kTierCount> held;
  uint64_t victims = 0;

  for (int64_t step = 0; step < 200000; ++step) {
    const int i = static_cast<int>(random() % kBlocks);
    const Tier tier = random() % 2 == 0 ? Tier::kDram : Tier::kSsd;
    std::set<int>& in_tier = held[static_cast<int>(tier)];
    const Category category = static_cast<Category>(random() % 4);
    switch (random() % 6) {
      case 0:
      case 1:
        facts[i].last_touch_ns = step * 1000000;
        facts[i].category = category;
        policy.OnInsert(tier, facts[i]);
        in_tier.insert(i);
        break;
      case 2:
        policy.OnRemove(tier, facts[i].key);
        in_tier.erase(i);
        break;
      case 3: {
        std::vector<BlockKey> chain;
        for (int up = i; up >= 0; up = parent_of(up)) chain.insert(chain.begin(), facts[up].key);
        policy.OnTouch({step * 1000000, category, chain});
        break;
      }
      case 4:
        if (random() % 8 == 0) policy.ClearSkips();
        if (random() % 8 == 0) policy.Skip(tier, facts[i].key);
        break;
      default: {
        const std::optional<BlockKey> key = policy.NextVictim(tier, step);
        if (!key) break;
        const int victim = number.at(*key);
        ASSERT_TRUE(in_tier.contains(victim));
        for (const int other : in_tier) ASSERT_NE(parent_of(other), victim) << "step " << step;
        policy.OnRemove(tier, *key);
        in_tier.erase(victim);
        ++victims;
      }
    }
  }
  EXPECT_GT(victims, 10000u);

  // Everything can go in the end.
  policy.ClearSkips();
  for (const Tier tier : {Tier::kDram, Tier::kSsd}) {
    size_t left = held[static_cast<int>(tier)].size();
    while (const auto key = policy.NextVictim(tier, 0)) {
      policy.OnRemove(tier, *key);
      --left;
    }
    EXPECT_EQ(left, 0u);
  }
}

}  // namespace
}  // namespace halflife
