#include "common/block/token_hashing.h"

#include <string>

#include "common/endian.h"
#include "common/limits.h"
#include "common/strings.h"

namespace halflife {
namespace {

// Heads of canonical CBOR items (RFC 8949, section 3): major type and the shortest form of the
// argument.
void AppendCborHead(std::string& out, uint8_t major, uint64_t value) {
  const auto head = [&](uint8_t low) { out.push_back(static_cast<char>(major << 5 | low)); };
  const auto tail = [&](int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  };
  if (value < 24) {
    head(static_cast<uint8_t>(value));
  } else if (value <= 0xFF) {
    head(24), tail(1);
  } else if (value <= 0xFFFF) {
    head(25), tail(2);
  } else {
    head(26), tail(4);
  }
}

constexpr uint8_t kCborUnsigned = 0;
constexpr uint8_t kCborBytes = 2;
constexpr uint8_t kCborArray = 4;
constexpr char kCborNull = static_cast<char>(0xF6);

// cbor2.dumps((parent, tuple(tokens), None), canonical=True).
BlockHash VllmHash(Sha256& sha, const Digest256& parent, absl::Span<const uint32_t> tokens,
                   std::string& scratch) {
  scratch.clear();
  AppendCborHead(scratch, kCborArray, 3);
  AppendCborHead(scratch, kCborBytes, parent.size());
  scratch.append(AsText(parent));
  AppendCborHead(scratch, kCborArray, tokens.size());
  for (const uint32_t token : tokens) AppendCborHead(scratch, kCborUnsigned, token);
  scratch.push_back(kCborNull);
  return {sha.Update(scratch).Finish()};
}

// SHA-256(parent || le32 tokens...), also with an empty parent.
BlockHash ConcatenatedHash(Sha256& sha, absl::Span<const uint8_t> parent,
                           absl::Span<const uint32_t> tokens) {
  sha.Update(parent);
  // Tokens are little-endian in memory already (common/endian.h).
  sha.Update({reinterpret_cast<const uint8_t*>(tokens.data()), tokens.size() * sizeof(uint32_t)});
  return {sha.Finish()};
}

absl::Status CheckSizes(const NamespaceDescriptor& ns, size_t tokens) {
  if (ns.hash_scheme == HashScheme::kOpaque) {
    return absl::FailedPreconditionError(
        "the namespace has opaque hashes: look up by block hashes, or open it with a hash scheme");
  }
  if (ns.tokens_per_block == 0) return absl::InvalidArgumentError("tokens_per_block is 0");
  if (tokens > kMaxLookupTokens) {
    return absl::InvalidArgumentError(
        StrCat("tokens: ", tokens, " ids, at most ", kMaxLookupTokens));
  }
  if (tokens / ns.tokens_per_block > kMaxChainBlocks) {
    return absl::InvalidArgumentError(
        StrCat("tokens: ", tokens / ns.tokens_per_block, " blocks, at most ", kMaxChainBlocks));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<BlockHash>> HashTokens(const NamespaceDescriptor& ns,
                                                  absl::Span<const uint32_t> tokens) {
  if (absl::Status sizes = CheckSizes(ns, tokens.size()); !sizes.ok()) return sizes;
  const size_t blocks = tokens.size() / ns.tokens_per_block;
  std::vector<BlockHash> hashes;
  hashes.reserve(blocks);
  Sha256 sha;
  std::string scratch;
  const NamespaceId root = ns.Id();
  for (size_t i = 0; i < blocks; ++i) {
    const auto block = tokens.subspan(i * ns.tokens_per_block, ns.tokens_per_block);
    switch (ns.hash_scheme) {
      case HashScheme::kVllmSha256Cbor:
        hashes.push_back(
            VllmHash(sha, i == 0 ? ns.hash_seed : hashes.back().bytes, block, scratch));
        break;
      case HashScheme::kSglang:
        hashes.push_back(ConcatenatedHash(
            sha, i == 0 ? absl::Span<const uint8_t>() : absl::MakeConstSpan(hashes.back().bytes),
            block));
        break;
      default:
        hashes.push_back(ConcatenatedHash(sha, i == 0 ? root.bytes : hashes.back().bytes, block));
    }
  }
  return hashes;
}

}  // namespace halflife
