#include "proto/wire/chain_wire.h"

#include <cstring>
#include <limits>
#include <type_traits>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/limit_check.h"

namespace halflife {
namespace {

// What makes a view of packed bytes as hashes legal.
static_assert(sizeof(BlockHash) == kBlockHashBytes && alignof(BlockHash) == 1);
static_assert(std::is_trivially_copyable_v<BlockHash>);

BlockHash HashFrom(std::string_view bytes) {
  BlockHash hash;
  std::memcpy(hash.bytes.data(), bytes.data(), kBlockHashBytes);
  return hash;
}

}  // namespace

absl::StatusOr<absl::Span<const BlockHash>> UnpackHashes(absl::string_view field,
                                                         std::string_view packed) {
  if (packed.size() % kBlockHashBytes != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, " has ", packed.size(), " bytes, not a multiple of ", kBlockHashBytes));
  }
  return absl::MakeSpan(reinterpret_cast<const BlockHash*>(packed.data()),
                        packed.size() / kBlockHashBytes);
}

std::string_view PackHashes(absl::Span<const BlockHash> hashes) {
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * kBlockHashBytes};
}

absl::StatusOr<ChainView> ChainFromWire(const v1::Chain& message, uint32_t max_blocks) {
  ChainView chain;
  HL_ASSIGN_OR_RETURN(chain.hashes, UnpackHashes("chain.hashes", message.hashes()));
  HL_RETURN_IF_ERROR(CheckAtLeast("number of chain.hashes", chain.hashes.size(), 1));
  HL_RETURN_IF_ERROR(CheckAtMost("number of chain.hashes", chain.hashes.size(), max_blocks));
  HL_RETURN_IF_ERROR(CheckAtMost("chain.group", message.group(), kMaxGroups - 1));
  HL_RETURN_IF_ERROR(CheckAtMost("chain.first_depth", message.first_depth(),
                                 std::numeric_limits<uint32_t>::max() - chain.hashes.size()));
  chain.first_depth = message.first_depth();
  chain.group = message.group();
  if (!message.parent().empty()) {
    HL_RETURN_IF_ERROR(CheckBytes("chain.parent", message.parent().size(), kBlockHashBytes));
    if (chain.first_depth == 0) {
      return absl::InvalidArgumentError("chain.parent is given, but chain.first_depth is 0");
    }
    chain.parent = HashFrom(message.parent());
  }
  return chain;
}

v1::Chain ChainToWire(const ChainView& chain) {
  v1::Chain message;
  const std::string_view packed = PackHashes(chain.hashes);
  message.set_hashes(packed.data(), packed.size());
  message.set_first_depth(chain.first_depth);
  message.set_group(chain.group);
  if (chain.parent) message.set_parent(chain.parent->bytes.data(), kBlockHashBytes);
  return message;
}

absl::StatusOr<NamespaceId> NamespaceIdFromWire(std::string_view bytes) {
  HL_RETURN_IF_ERROR(CheckBytes("namespace_id", bytes.size(), sizeof(Digest256)));
  NamespaceId id;
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

absl::StatusOr<WirePartRange> PartRangeFromWire(const v1::PartRange& message, uint32_t parts) {
  HL_RETURN_IF_ERROR(CheckAtMost("parts.first", message.first(), parts - 1));
  const uint32_t rest = parts - message.first();
  HL_RETURN_IF_ERROR(CheckAtMost("parts.count", message.count(), rest));
  return WirePartRange{
      .first = static_cast<uint16_t>(message.first()),
      .count = static_cast<uint16_t>(message.count() == 0 ? rest : message.count())};
}

}  // namespace halflife
