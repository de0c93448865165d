#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/block/attributes.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// Numbers the categories of a trace's requests: type x turn bucket {1, 2, 3-4, 5-8, 9+} x stop
// reason of the previous response, each as far as the trace says it. The buckets are those over
// which reuse differs on the Mooncake chat trace (p = .32, .38, .47, .61, .85 in turn). At most
// kMaxCategories, first come, first numbered; the rest share kUnknownCategory. Not thread-safe.
class RequestCategories {
 public:
  Category Number(const Request& request);

  // By Category.
  const std::vector<std::string>& names() const { return names_; }

 private:
  static std::string Name(const Request& request);

  std::vector<std::string> names_ = {"other"};
  absl::flat_hash_map<std::string, Category> numbers_;
};

}  // namespace halflife::tools
