#include "storage/residency/arrived_chains.h"

#include <gtest/gtest.h>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

BlockFacts Block(uint64_t number, uint32_t depth, std::optional<uint64_t> parent,
                 Category category = 3) {
  BlockFacts facts;
  facts.key = KeyOfNumber(number);
  if (parent) facts.parent = KeyOfNumber(*parent);
  facts.depth = depth;
  facts.category = category;
  return facts;
}

TEST(ArrivedChains, BlocksBehindTheirParentsAreOneChainAlsoWhereTwoAreMixed) {
  ArrivedChains arrived;
  arrived.Add(Block(1, 5, 0));
  arrived.Add(Block(11, 0, std::nullopt));
  arrived.Add(Block(2, 6, 1));
  arrived.Add(Block(12, 1, 11));

  ASSERT_EQ(arrived.chains().size(), 2u);
  EXPECT_EQ(arrived.chains()[0].first_depth, 5u);
  EXPECT_EQ(arrived.chains()[0].keys, std::vector<BlockKey>({KeyOfNumber(1), KeyOfNumber(2)}));
  EXPECT_EQ(arrived.chains()[1].keys, std::vector<BlockKey>({KeyOfNumber(11), KeyOfNumber(12)}));
}

TEST(ArrivedChains, ForksAndOtherCategoriesAndWrongDepthsAreChainsOfTheirOwn) {
  ArrivedChains arrived;
  arrived.Add(Block(1, 0, std::nullopt));
  arrived.Add(Block(2, 1, 1));
  arrived.Add(Block(3, 1, 1));     // a fork
  arrived.Add(Block(4, 2, 2, 7));  // of somebody else
  arrived.Add(Block(5, 9, 3));     // not where its parent ends

  EXPECT_EQ(arrived.chains().size(), 4u);
}

}  // namespace
}  // namespace halflife
