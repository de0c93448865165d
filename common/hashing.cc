#include "common/hashing.h"

#include <openssl/evp.h>
#include <xxhash.h>

#include <cstring>

#include "common/check.h"
#include "common/hashing_avx2.h"
#include "common/processor.h"

namespace halflife {
namespace {

constexpr size_t kWideBytes = 1024;

const EVP_MD* FetchedSha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}

EVP_MD_CTX* Context(void* context) { return static_cast<EVP_MD_CTX*>(context); }

XXH3_state_t* State(void* state) { return static_cast<XXH3_state_t*>(state); }

Digest128 Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  Digest128 digest;
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

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
  // Short inputs are the library's best case.
  if (bytes.size() < kWideBytes || !HaveAvx2()) {
    return Canonical(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
  }
  uint64_t halves[2];
  internal::Xxh3Avx2(bytes.data(), bytes.size(), seed, halves);
  return Canonical({.low64 = halves[0], .high64 = halves[1]});
}

uint64_t Xxh3_64(absl::Span<const uint8_t> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Xxh3Stream::Xxh3Stream(uint64_t seed) : state_(XXH3_createState()) {
  HL_CHECK(state_ != nullptr);
  HL_CHECK(XXH3_128bits_reset_withSeed(State(state_), seed) == XXH_OK);
}

Xxh3Stream::~Xxh3Stream() { XXH3_freeState(State(state_)); }

void Xxh3Stream::Update(absl::Span<const uint8_t> bytes) {
  if (HaveAvx2()) {
    internal::Xxh3UpdateAvx2(state_, bytes.data(), bytes.size());
    return;
  }
  HL_CHECK(XXH3_128bits_update(State(state_), bytes.data(), bytes.size()) == XXH_OK);
}

Digest128 Xxh3Stream::Finish() const { return Canonical(XXH3_128bits_digest(State(state_))); }

}  // namespace halflife
