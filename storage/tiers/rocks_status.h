#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}

namespace halflife {

// The only place where RocksDB's status becomes ours. `what` names the thing: "ssd partition 3:
// write".
//   NotFound                                -> kNotFound
//   Corruption, missing or foreign files    -> kDataLoss
//   no space or disk quota, memory limit of its cache -> kResourceExhausted
//   a write stall (no_slowdown), busy       -> kAborted: nothing is wrong, try again later
//   every other error                       -> kUnavailable
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

}  // namespace halflife
