#include "storage/tiers/erased_payloads.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace halflife {
namespace {

constexpr char kPayload = 'p', kEntry = 'e';

// Whether a table is marked that has so many live entries, and so many erased ones of each kind.
bool NeedsCompaction(int live, int erased_payloads, int erased_entries) {
  const std::unique_ptr<rocksdb::TablePropertiesCollector> collector(
      CompactErasedPayloads(kPayload)->CreateTablePropertiesCollector({}));
  const auto add = [&](char kind, rocksdb::EntryType type, int count) {
    for (int i = 0; i < count; ++i) {
      EXPECT_TRUE(collector->AddUserKey(std::string(33, kind), "", type, 1, 0).ok());
    }
  };
  add(kPayload, rocksdb::kEntryPut, live);
  add(kPayload, rocksdb::kEntryDelete, erased_payloads);
  add(kEntry, rocksdb::kEntryDelete, erased_entries);
  return collector->NeedCompact();
}

TEST(ErasedPayloads, AQuarterOfATableIsCompacted) {
  EXPECT_FALSE(NeedsCompaction(100, 0, 0));
  EXPECT_FALSE(NeedsCompaction(76, 24, 0));
  EXPECT_TRUE(NeedsCompaction(75, 25, 0));
}

TEST(ErasedPayloads, ErasedEntriesAloneWaitForAnOrdinaryCompaction) {
  EXPECT_FALSE(NeedsCompaction(0, 0, 100));
  EXPECT_FALSE(NeedsCompaction(50, 10, 50));
}

}  // namespace
}  // namespace halflife
