#pragma once

#include "absl/status/statusor.h"
#include "halflife/v1/cache.pb.h"
#include "storage/block_store.h"

// The unary methods of CacheService, free of gRPC: request in, response or error out. Thread-safe.
// Each returns kInvalidArgument for a malformed field and kFailedPrecondition for a namespace that
// is not open, and what is said.

namespace halflife {

// [I/O] Returns: kResourceExhausted, too many namespaces.
absl::StatusOr<v1::OpenNamespaceResponse> HandleOpenNamespace(
    BlockStore& store, const v1::OpenNamespaceRequest& request);
// [I/O] if LookupBlocks(request).
absl::StatusOr<v1::LookupResponse> HandleLookup(BlockStore& store,
                                                const v1::LookupRequest& request);
// Must this Lookup not run on a gRPC thread: does it read SSD, or hash so many tokens that others
// would wait?
bool LookupBlocks(const v1::LookupRequest& request);

absl::StatusOr<v1::ReleaseResponse> HandleRelease(BlockStore& store,
                                                  const v1::ReleaseRequest& request);
// Returns: kAborted if the lease is gone.
absl::StatusOr<v1::RenewResponse> HandleRenew(BlockStore& store, const v1::RenewRequest& request);
absl::StatusOr<v1::TouchResponse> HandleTouch(BlockStore& store, const v1::TouchRequest& request);
// [I/O] if HintBlocks(request).
absl::StatusOr<v1::HintResponse> HandleHint(BlockStore& store, const v1::HintRequest& request);
bool HintBlocks(const v1::HintRequest& request);
// [I/O]
absl::StatusOr<v1::DeleteResponse> HandleDelete(BlockStore& store,
                                                const v1::DeleteRequest& request);

}  // namespace halflife
