#include "storage/tiers/ssd_index_entry.h"

#include <algorithm>
#include <cstring>

#include "common/endian.h"
#include "common/limits.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr uint8_t kVersion = 1;
// Zero until a version gives them a meaning.
constexpr size_t kReservedByte = 1, kReservedAt = 34, kReservedEnd = 40;
constexpr size_t kNsAt = 40, kHashAt = 72, kParentAt = 104, kChecksumAt = 136;

uint64_t ChecksumOf(const BlockKey& key, absl::Span<const uint8_t> bytes) {
  return Xxh3_64(bytes.subspan(0, kChecksumAt), key.Head());
}

}  // namespace

std::string EncodeSsdIndexEntry(const BlockKey& key, const SsdIndexEntry& entry) {
  std::string encoded(kSsdIndexEntryBytes, '\0');
  auto* out = reinterpret_cast<uint8_t*>(encoded.data());
  out[0] = kVersion;
  StoreLe16(out + 2, entry.identity.part);
  StoreLe32(out + 4, entry.file);
  StoreLe32(out + 8, entry.slot);
  StoreLe32(out + 12, entry.bytes);
  StoreLe32(out + 16, entry.identity.group);
  StoreLe32(out + 20, entry.state.depth);
  StoreLe32(out + 24, entry.state.hits);
  StoreLe32(out + 28, entry.state.idle_s);
  StoreLe16(out + 32, entry.state.category);
  std::copy_n(entry.identity.ns.bytes.begin(), 32, out + kNsAt);
  std::copy_n(entry.identity.hash.bytes.begin(), 32, out + kHashAt);
  std::copy_n(entry.state.parent.ns.begin(), 16, out + kParentAt);
  std::copy_n(entry.state.parent.block.begin(), 16, out + kParentAt + 16);
  StoreLe64(out + kChecksumAt, ChecksumOf(key, AsBytes(encoded)));
  return encoded;
}

absl::StatusOr<SsdIndexEntry> DecodeSsdIndexEntry(const BlockKey& key,
                                                  absl::Span<const uint8_t> bytes) {
  if (bytes.size() != kSsdIndexEntryBytes) {
    return absl::DataLossError(StrCat("ssd index entry: ", bytes.size(), " bytes"));
  }
  const uint8_t* in = bytes.data();
  if (LoadLe64(in + kChecksumAt) != ChecksumOf(key, bytes)) {
    return absl::DataLossError("ssd index entry: checksum");
  }
  if (in[0] != kVersion) return absl::DataLossError(StrCat("ssd index entry: version ", in[0]));
  if (in[kReservedByte] != 0 ||
      std::any_of(in + kReservedAt, in + kReservedEnd, [](uint8_t byte) { return byte != 0; })) {
    return absl::DataLossError("ssd index entry: reserved field");
  }
  SsdIndexEntry entry;
  entry.identity.part = LoadLe16(in + 2);
  entry.file = LoadLe32(in + 4);
  entry.slot = LoadLe32(in + 8);
  entry.bytes = LoadLe32(in + 12);
  entry.identity.group = LoadLe32(in + 16);
  entry.state.depth = LoadLe32(in + 20);
  entry.state.hits = LoadLe32(in + 24);
  entry.state.idle_s = LoadLe32(in + 28);
  entry.state.category = LoadLe16(in + 32);
  std::copy_n(in + kNsAt, 32, entry.identity.ns.bytes.begin());
  std::copy_n(in + kHashAt, 32, entry.identity.hash.bytes.begin());
  std::copy_n(in + kParentAt, 16, entry.state.parent.ns.begin());
  std::copy_n(in + kParentAt + 16, 16, entry.state.parent.block.begin());
  if (entry.bytes == 0 || entry.bytes > kMaxBlockBytes) {
    return absl::DataLossError(StrCat("ssd index entry: payload of ", entry.bytes, " bytes"));
  }
  if (entry.state.category >= kMaxCategories) {
    return absl::DataLossError(StrCat("ssd index entry: category ", entry.state.category));
  }
  return entry;
}

}  // namespace halflife
