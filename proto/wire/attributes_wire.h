#pragma once

#include "absl/status/statusor.h"
#include "common/block/attributes.h"
#include "halflife/v1/cache.pb.h"

namespace halflife {

v1::Attributes AttributesToWire(const RequestAttributes& attributes);
// Also validates. Labels come in the order of their names. Returns: kInvalidArgument naming the
// field.
absl::StatusOr<RequestAttributes> AttributesFromWire(const v1::Attributes& message);

}  // namespace halflife
