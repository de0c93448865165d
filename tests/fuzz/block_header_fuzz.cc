#include <algorithm>
#include <array>
#include <cstring>

#include "common/block/block_header.h"
#include "common/check.h"
#include "common/endian.h"
#include "common/limits.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

using Encoded = std::array<uint8_t, kBlockHeaderBytes>;

Encoded Encode(const BlockHeader& header) {
  Encoded encoded;
  EncodeBlockHeader(header, absl::MakeSpan(encoded));
  return encoded;
}

// What decodes is in the one canonical form.
void CheckDecode(absl::Span<const uint8_t> bytes) {
  const absl::StatusOr<BlockHeader> header = DecodeBlockHeader(bytes);
  if (!header.ok()) {
    HL_CHECK(header.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  HL_CHECK(header->payload_bytes > 0 && header->payload_bytes <= kMaxBlockBytes);
  const Encoded again = Encode(*header);
  HL_CHECK(std::equal(again.begin(), again.end(), bytes.begin()));
}

// Random bytes never pass the checksum: give them a right one, so that what is behind it is
// reached.
void CheckDecodeBehindChecksum(absl::Span<const uint8_t> bytes) {
  Encoded fixed{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), fixed.size()), fixed.begin());
  StoreLe64(&fixed[120], Xxh3_64(absl::MakeConstSpan(fixed).first(120), 0));
  CheckDecode(fixed);
}

BlockHeader TakeHeader(ByteSource& source) {
  BlockHeader header;
  header.identity.ns = source.Take<NamespaceId>();
  header.identity.hash = source.Take<BlockHash>();
  header.identity.group = source.Take<uint32_t>();
  header.identity.part = source.Take<uint16_t>();
  header.payload_bytes =
      source.Take<uint64_t>() % (kMaxBlockBytes + 2);  // both limits and one beyond
  header.checksum = source.Take<Digest128>();
  header.depth = source.Take<uint32_t>();
  header.written_s = source.Take<uint64_t>();
  return header;
}

void CheckRoundTrip(ByteSource source) {
  const BlockHeader header = TakeHeader(source);
  Encoded encoded = Encode(header);
  const absl::StatusOr<BlockHeader> decoded = DecodeBlockHeader(encoded);
  HL_CHECK(decoded.ok() == (header.payload_bytes > 0 && header.payload_bytes <= kMaxBlockBytes));
  HL_CHECK(!decoded.ok() || *decoded == header);

  const uint32_t bit = source.Take<uint32_t>() % (8 * kBlockHeaderBytes);
  encoded[bit / 8] ^= 1 << bit % 8;
  HL_CHECK(!DecodeBlockHeader(encoded).ok());
  HL_CHECK(!DecodeBlockHeader(absl::MakeConstSpan(encoded).first(bit / 8)).ok());
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::CheckDecode({data, size});
  halflife::CheckDecodeBehindChecksum({data, size});
  halflife::CheckRoundTrip(halflife::ByteSource(data, size));
  return 0;
}
