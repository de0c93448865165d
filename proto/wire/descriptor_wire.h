#pragma once

#include "absl/status/statusor.h"
#include "common/block/namespace_descriptor.h"
#include "halflife/v1/cache.pb.h"

namespace halflife {

v1::HashScheme HashSchemeToWire(HashScheme scheme);
// Returns: kInvalidArgument for a number that is none of ours.
absl::StatusOr<HashScheme> HashSchemeFromWire(v1::HashScheme scheme);

v1::NamespaceDescriptor DescriptorToWire(const NamespaceDescriptor& descriptor);
// Also validates. Returns: kInvalidArgument naming the field that is out of its bounds.
absl::StatusOr<NamespaceDescriptor> DescriptorFromWire(const v1::NamespaceDescriptor& message);

}  // namespace halflife
