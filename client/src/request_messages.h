#pragma once

#include "absl/status/statusor.h"
#include "client/include/halflife/client.h"
#include "client/src/namespaces.h"
#include "client/src/transfer_shape.h"
#include "common/block/attributes.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// From the public types to messages, with every limit checked that the daemon would refuse. All
// return: kInvalidArgument naming the field.
absl::StatusOr<NamespaceDescriptor> DescriptorOf(const Namespace& given);
absl::StatusOr<v1::LookupRequest> LookupMessage(const LookupRequest& request,
                                                const NamespaceState& ns);
absl::StatusOr<v1::GetRequest> GetMessage(const GetRequest& request, const NamespaceState& ns,
                                          const TransferShape& shape);
absl::StatusOr<v1::PutHeader> PutHeaderMessage(const PutRequest& request, const NamespaceState& ns,
                                               const TransferShape& shape);
absl::StatusOr<v1::TouchRequest> TouchMessage(View<Hash> chain, const Attributes& attributes,
                                              const NamespaceState& ns);
absl::StatusOr<v1::HintRequest> HintMessage(const HintRequest& request, const NamespaceState& ns);
absl::StatusOr<v1::DeleteRequest> DeleteMessage(View<Hash> chain, const NamespaceState& ns);
v1::DeleteRequest DeleteNamespaceMessage(const NamespaceState& ns);

}  // namespace halflife::client
