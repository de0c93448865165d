#include "storage/tiers/ssd_block_writer.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "storage/tiers/ssd_write_batch.h"

namespace halflife {
namespace {

// Of those that come first, how many have keys of their own.
size_t DistinctKeys(absl::Span<const SsdWrite> writes) {
  absl::flat_hash_set<BlockKey, BlockKeyHash> seen;
  size_t count = 0;
  while (count < writes.size() && seen.insert(writes[count].key).second) ++count;
  return count;
}

}  // namespace

std::vector<absl::StatusOr<SsdLocation>> SsdBlockWriter::Write(absl::Span<const SsdWrite> writes,
                                                               Former former) {
  std::vector<absl::StatusOr<SsdLocation>> results;
  context_.counters.queue_depth += writes.size();  // down with each result
  while (!writes.empty()) {
    // A key that comes again replaces what came before it: another batch.
    const size_t count = DistinctKeys(writes);
    SsdWriteBatch batch(context_, eraser_, writes.subspan(0, count), former == Former::kKeep);
    for (absl::StatusOr<SsdLocation>& result : std::move(batch).Run(engine_)) {
      results.push_back(std::move(result));
    }
    writes.remove_prefix(count);
  }
  return results;
}

}  // namespace halflife
