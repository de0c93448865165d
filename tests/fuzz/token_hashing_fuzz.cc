#include <vector>

#include "common/block/token_hashing.h"
#include "common/check.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

// A block's hash depends on every token up to its end and on none behind it.
void CheckChain(const NamespaceDescriptor& ns, std::vector<uint32_t> tokens, size_t changed) {
  const std::vector<BlockHash> hashes = *HashTokens(ns, tokens);
  HL_CHECK(hashes.size() == tokens.size() / ns.tokens_per_block);
  if (tokens.empty()) return;

  changed %= tokens.size();
  const std::vector<BlockHash> prefix = *HashTokens(ns, absl::MakeConstSpan(tokens).first(changed));
  HL_CHECK(absl::MakeConstSpan(prefix) == absl::MakeConstSpan(hashes).first(prefix.size()));

  tokens[changed] ^= 1;
  const std::vector<BlockHash> other = *HashTokens(ns, tokens);
  HL_CHECK(other.size() == hashes.size());
  for (size_t block = 0; block < hashes.size(); ++block) {
    HL_CHECK((hashes[block] == other[block]) == (block < changed / ns.tokens_per_block));
  }
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife;
  ByteSource source(data, size);
  NamespaceDescriptor ns;
  ns.model_name = "m";
  ns.hash_scheme = static_cast<HashScheme>(source.Take<uint8_t>() % 4);
  ns.tokens_per_block = source.Take<uint8_t>();
  ns.hash_seed = source.Take<Digest256>();
  const size_t changed = source.Take<uint16_t>();
  std::vector<uint32_t> tokens;
  while (!source.rest().empty()) tokens.push_back(source.Take<uint32_t>());

  if (ns.hash_scheme == HashScheme::kOpaque) {
    HL_CHECK(HashTokens(ns, tokens).status().code() == absl::StatusCode::kFailedPrecondition);
  } else if (ns.tokens_per_block == 0 || tokens.size() / ns.tokens_per_block > 8192) {
    HL_CHECK(HashTokens(ns, tokens).status().code() == absl::StatusCode::kInvalidArgument);
  } else {
    CheckChain(ns, std::move(tokens), changed);
  }
  return 0;
}
