#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "storage/residency/categories/attribute_schema.h"
#include "storage/residency/categories/chain_lineage.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// What the requests of a trace say about themselves, for a category tree: in the order of
// SimulatedTrace::requests, which leaves out those without a full block.
struct CategoryRequests {
  struct Described {
    RequestLevels levels{};
    int64_t chat = -1;
    uint32_t turn = 0;
  };
  // Only what a daemon is told with every call: not what follows from a request's blocks.
  bool only_said = false;
  AttributeSchema schema;
  std::vector<Described> requests;
};

// Hands on what another source says and notes down the attributes on the way. Turn and role come
// from lineage where the trace does not say them. Not thread-safe; borrows both.
class CategoryRecorder final : public RequestSource {
 public:
  CategoryRecorder(RequestSource& source, CategoryRequests& recorded)
      : source_(source), recorded_(recorded) {}

  absl::StatusOr<bool> Next(Request& request) override;
  uint32_t block_tokens() const override { return source_.block_tokens(); }
  double progress() const override { return source_.progress(); }

 private:
  size_t CountKnown(const std::vector<uint64_t>& blocks);

  RequestSource& source_;
  CategoryRequests& recorded_;
  ChainLineage lineage_;
  absl::flat_hash_set<uint64_t> known_;
};

}  // namespace halflife::tools
