#include "common/hashing.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cstring>

#include "common/check.h"

namespace halflife {
namespace {

const EVP_MD* FetchedSha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  HL_CHECK(EVP_DigestInit_ex2(Context(context_), FetchedSha256(), nullptr) == 1);
}

Sha256::~Sha256() { EVP_MD_CTX_free(Context(context_)); }

Sha256& Sha256::Update(std::string_view bytes) { return Update(AsBytes(bytes)); }

Sha256& Sha256::Update(absl::Span<const uint8_t> bytes) {
  HL_CHECK(EVP_DigestUpdate(Context(context_), bytes.data(), bytes.size()) == 1);
  return *this;
}

Digest256 Sha256::Finish() {
  Digest256 digest;
  unsigned length = 0;
  HL_CHECK(EVP_DigestFinal_ex(Context(context_), digest.data(), &length) == 1);
  HL_CHECK(EVP_DigestInit_ex2(Context(context_), FetchedSha256(), nullptr) == 1);
  return digest;
}

Digest256 Sha256Of(std::string_view bytes) { return Sha256().Update(bytes).Finish(); }

Digest128 Xxh3_128(absl::Span<const uint8_t> bytes, uint64_t seed) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
  Digest128 digest;
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

uint64_t Xxh3_64(absl::Span<const uint8_t> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace halflife
