#include "storage/index/number_table.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace halflife {
namespace {

TEST(NumberTable, FindsNothingWhileItIsEmpty) {
  const NumberTable table;

  EXPECT_EQ(table.Guess(7), 0u);
  table.Prefetch(7);
}

TEST(NumberTable, TellsNumbersUnderTheSameHashApart) {
  NumberTable table;
  table.Insert(uint64_t{5} << 32, 1);
  table.Insert(uint64_t{5} << 32, 2);

  EXPECT_EQ(table.Find(uint64_t{5} << 32, [](uint32_t n) { return n == 2; }), 2u);
  table.Erase(uint64_t{5} << 32, 1);
  EXPECT_EQ(table.Guess(uint64_t{5} << 32), 2u);
  EXPECT_EQ(table.Find(uint64_t{5} << 32, [](uint32_t n) { return n == 1; }), 0u);
}

// Few distinct hashes at both ends of the range: long runs, also beyond the last home.
TEST(NumberTable, AgreesWithAMapUnderRandomInsertsAndErases) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    NumberTable table;
    std::unordered_map<uint32_t, uint64_t> hashes;
    std::mt19937_64 random(seed);
    std::vector<uint32_t> numbers;

    for (int step = 0; step < 4000; ++step) {
      if (numbers.empty() || random() % 5 < (step < 2000 ? 3 : 2)) {
        const auto number = static_cast<uint32_t>(step + 1);
        const uint64_t hash = seed % 2 == 0 ? random() : (random() % 8 - 4) << 32 | random() % 1000;
        table.Insert(hash, number);
        hashes[number] = hash;
        numbers.push_back(number);
      } else {
        std::swap(numbers[random() % numbers.size()], numbers.back());
        table.Erase(hashes[numbers.back()], numbers.back());
        hashes.erase(numbers.back());
        numbers.pop_back();
      }
      ASSERT_EQ(table.size(), hashes.size());
    }

    for (uint32_t number = 1; number <= 4000; ++number) {
      const auto at = hashes.find(number);
      const uint64_t hash = at == hashes.end() ? 0 : at->second;
      EXPECT_EQ(table.Find(hash, [&](uint32_t n) { return n == number; }),
                at == hashes.end() ? 0 : number)
          << "seed " << seed;
    }
  }
}

TEST(NumberTables, FindWhatIsThereAndNothingElse) {
  NumberTables<> tables;
  std::mt19937_64 random(3);
  std::vector<uint64_t> hashes;
  for (uint32_t number = 1; number <= 20000; ++number) {
    hashes.push_back(random());
    tables.Insert(hashes.back(), number);
  }

  for (uint32_t number = 1; number <= 20000; number += 3) tables.Erase(hashes[number - 1], number);

  for (uint32_t number = 1; number <= 20000; ++number) {
    const bool there = number % 3 != 1;
    EXPECT_EQ(tables.Find(hashes[number - 1], [&](uint32_t n) { return n == number; }),
              there ? number : 0)
        << number;
  }
}

// Whether what is asked for is not there shows before the end of its run.
TEST(NumberTable, FindsNothingUnderHashesThatWereErased) {
  NumberTable table;
  std::mt19937_64 random(2);
  std::vector<uint64_t> hashes;
  for (uint32_t number = 1; number <= 3000; ++number) {
    hashes.push_back(random());
    table.Insert(hashes.back(), number);
  }

  for (uint32_t number = 1; number <= 3000; number += 2) table.Erase(hashes[number - 1], number);

  for (uint32_t number = 1; number <= 3000; ++number) {
    EXPECT_EQ(table.Guess(hashes[number - 1]), number % 2 == 0 ? number : 0) << number;
  }
}

// More than there is room for behind the last home.
TEST(NumberTable, HoldsAnyNumberUnderTheLastHash) {
  NumberTable table;
  for (uint32_t number = 1; number <= 1000; ++number) table.Insert(UINT64_MAX, number);

  for (uint32_t number = 1; number <= 1000; number += 2) table.Erase(UINT64_MAX, number);

  for (uint32_t number = 1; number <= 1000; ++number) {
    EXPECT_EQ(table.Find(UINT64_MAX, [&](uint32_t n) { return n == number; }),
              number % 2 == 0 ? number : 0);
  }
  EXPECT_EQ(table.Guess(UINT64_MAX - (uint64_t{1} << 40)), 0u);
}

TEST(NumberTable, IsBetween84And90PerCentFullOnceItHasGrown) {
  NumberTable table;
  std::mt19937_64 random(1);
  for (uint32_t number = 1; number <= 100'000; ++number) {
    table.Insert(random(), number);
    if (number < 2000) continue;
    ASSERT_LE(table.memory_bytes(), 7 * 100 * size_t{number} / 82) << number;
    ASSERT_GE(table.memory_bytes(), 7 * 10 * size_t{number} / 9) << number;
  }
}

}  // namespace
}  // namespace halflife
