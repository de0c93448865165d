#pragma once

#include <memory>

#include "rocksdb/table_properties.h"

namespace halflife {

// Marks table files for compaction in which a quarter of the entries says that an inline payload is
// erased: its room should come back soon. Tombstones of keys that do not begin with `payload_kind`
// wait for an ordinary compaction; what they hide is small, and where blocks come and go every
// other key of a table is one.
std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> CompactErasedPayloads(char payload_kind);

}  // namespace halflife
