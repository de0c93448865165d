#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace halflife {

// Every limit of the contract in one place. docs/limits.md lists them with their reasons; each is
// tested at -1, 0 and +1. Ceilings are compiled in; a configuration may only lower them.
inline constexpr uint64_t kMinBlockBytes = uint64_t{4} << 10;
inline constexpr uint64_t kMaxBlockBytes = uint64_t{256} << 20;  // ceiling
inline constexpr uint64_t kDefaultMaxBlockBytes = uint64_t{128} << 20;

inline constexpr uint32_t kMaxChainBlocks = 8192;       // hashes in one Lookup
inline constexpr uint32_t kMaxTransferBlocks = 128;     // (block, part) pairs in one Get or Put
inline constexpr uint32_t kMaxLookupTokens = 1u << 20;  // token ids in one Lookup
inline constexpr uint32_t kMaxParts = 1024;
inline constexpr uint32_t kMaxGroups = 64;

inline constexpr size_t kMaxMessageBytes = size_t{4} << 20;  // one gRPC message
inline constexpr size_t kFrameBytes = size_t{1} << 20;       // payload per frame we send
inline constexpr size_t kMaxFrameBytes = size_t{2} << 20;    // payload per frame we accept

inline constexpr size_t kMaxDescriptorStringBytes = 1024;
inline constexpr size_t kMaxAttributeBytes = 128;
inline constexpr size_t kMaxAttributeLabels = 8;
inline constexpr uint32_t kMaxNamespaces = 1024;

inline constexpr absl::Duration kDefaultLease = absl::Seconds(10);
inline constexpr absl::Duration kMaxLease = absl::Seconds(30);
inline constexpr uint32_t kMaxLeases = 4096;
// How long blocks may be retained by a hint.
inline constexpr absl::Duration kDefaultRetain = absl::Minutes(1);
inline constexpr absl::Duration kMaxRetain = absl::Hours(1);
inline constexpr absl::Duration kDefaultDeadline = absl::Seconds(5);  // when a caller sets none
inline constexpr absl::Duration kMaxDeadline = absl::Seconds(30);

}  // namespace halflife
