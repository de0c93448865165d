#include <algorithm>
#include <string>

#include "common/check.h"
#include "common/endian.h"
#include "common/limits.h"
#include "storage/tiers/ssd_index_entry.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

void CheckDecode(const BlockKey& key, std::string_view bytes) {
  const absl::StatusOr<SsdIndexEntry> entry = DecodeSsdIndexEntry(key, AsBytes(bytes));
  if (!entry.ok()) {
    HL_CHECK(entry.status().code() == absl::StatusCode::kDataLoss);
    return;
  }
  HL_CHECK(entry->bytes > 0 && entry->bytes <= kMaxBlockBytes);
  HL_CHECK(EncodeSsdIndexEntry(key, *entry) == bytes);
}

// Random bytes never pass the checksum: give them a right one, so that what is behind it is
// reached.
void CheckDecodeBehindChecksum(const BlockKey& key, absl::Span<const uint8_t> bytes) {
  std::string fixed(kSsdIndexEntryBytes, '\0');
  std::copy_n(bytes.begin(), std::min(bytes.size(), fixed.size()), fixed.begin());
  const size_t checked_bytes = kSsdIndexEntryBytes - sizeof(uint64_t);
  auto* const out = reinterpret_cast<uint8_t*>(fixed.data());
  StoreLe64(out + checked_bytes, Xxh3_64({out, checked_bytes}, key.Head()));
  CheckDecode(key, fixed);
}

void CheckRoundTrip(const BlockKey& key, ByteSource source) {
  SsdIndexEntry entry;
  entry.identity.ns = source.Take<NamespaceId>();
  entry.identity.hash = source.Take<BlockHash>();
  entry.identity.group = source.Take<uint32_t>();
  entry.identity.part = source.Take<uint16_t>();
  entry.file = source.Take<uint32_t>();
  entry.slot = source.Take<uint32_t>();
  entry.bytes = 1 + source.Take<uint32_t>() % kMaxBlockBytes;
  entry.state.parent = source.Take<BlockKey>();
  entry.state.depth = source.Take<uint32_t>();
  entry.state.category = source.Take<Category>() % kMaxCategories;
  entry.state.hits = source.Take<uint32_t>();
  entry.state.idle_s = source.Take<uint32_t>();

  std::string encoded = EncodeSsdIndexEntry(key, entry);
  const absl::StatusOr<SsdIndexEntry> decoded = DecodeSsdIndexEntry(key, AsBytes(encoded));
  HL_CHECK(decoded.ok());
  HL_CHECK(EncodeSsdIndexEntry(key, *decoded) == encoded);
  HL_CHECK(decoded->identity == entry.identity && decoded->file == entry.file &&
           decoded->slot == entry.slot);
  HL_CHECK(decoded->bytes == entry.bytes && decoded->state.parent == entry.state.parent);
  HL_CHECK(decoded->state.depth == entry.state.depth &&
           decoded->state.category == entry.state.category);
  HL_CHECK(decoded->state.hits == entry.state.hits && decoded->state.idle_s == entry.state.idle_s);

  // Neither damage nor another key's entry decodes.
  BlockKey other = key;
  other.block[0] ^= 1;
  HL_CHECK(!DecodeSsdIndexEntry(other, AsBytes(encoded)).ok());
  const uint32_t bit = source.Take<uint32_t>() % (8 * kSsdIndexEntryBytes);
  encoded[bit / 8] = static_cast<char>(encoded[bit / 8] ^ (1 << bit % 8));
  HL_CHECK(!DecodeSsdIndexEntry(key, AsBytes(encoded)).ok());
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::BlockKey key;
  key.block[0] = size == 0 ? 0 : data[0];
  halflife::CheckDecode(key, {reinterpret_cast<const char*>(data), size});
  halflife::CheckDecodeBehindChecksum(key, {data, size});
  halflife::CheckRoundTrip(key, halflife::ByteSource(data, size));
  return 0;
}
