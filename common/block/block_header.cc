#include "common/block/block_header.h"

#include <cstring>

#include "common/check.h"
#include "common/endian.h"
#include "common/limits.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr char kMagic[8] = {'H', 'L', 'B', 'L', 'O', 'C', 'K', '1'};
constexpr uint16_t kVersion = 1;
constexpr size_t kVersionAt = 8;
constexpr size_t kPartAt = 10;
constexpr size_t kGroupAt = 12;
constexpr size_t kNamespaceAt = 16;
constexpr size_t kHashAt = 48;
constexpr size_t kPayloadBytesAt = 80;
constexpr size_t kChecksumAt = 88;
constexpr size_t kDepthAt = 104;
constexpr size_t kReservedAt = 108;
constexpr size_t kWrittenAt = 112;
constexpr size_t kHeaderChecksumAt = 120;

}  // namespace

void EncodeBlockHeader(const BlockHeader& header, absl::Span<uint8_t> out) {
  HL_CHECK(out.size() == kBlockHeaderBytes);
  uint8_t* p = out.data();
  std::memcpy(p, kMagic, sizeof kMagic);
  StoreLe16(p + kVersionAt, kVersion);
  StoreLe16(p + kPartAt, header.identity.part);
  StoreLe32(p + kGroupAt, header.identity.group);
  std::memcpy(p + kNamespaceAt, header.identity.ns.bytes.data(), 32);
  std::memcpy(p + kHashAt, header.identity.hash.bytes.data(), 32);
  StoreLe64(p + kPayloadBytesAt, header.payload_bytes);
  std::memcpy(p + kChecksumAt, header.checksum.data(), 16);
  StoreLe32(p + kDepthAt, header.depth);
  StoreLe32(p + kReservedAt, 0);
  StoreLe64(p + kWrittenAt, header.written_s);
  StoreLe64(p + kHeaderChecksumAt, Xxh3_64(out.first(kHeaderChecksumAt), 0));
}

absl::StatusOr<BlockHeader> DecodeBlockHeader(absl::Span<const uint8_t> bytes) {
  if (bytes.size() < kBlockHeaderBytes) {
    return absl::DataLossError(
        StrCat("block header: ", bytes.size(), " bytes, ", kBlockHeaderBytes, " wanted"));
  }
  const uint8_t* p = bytes.data();
  if (std::memcmp(p, kMagic, sizeof kMagic) != 0) return absl::DataLossError("block header: magic");
  if (LoadLe64(p + kHeaderChecksumAt) != Xxh3_64(bytes.first(kHeaderChecksumAt), 0)) {
    return absl::DataLossError("block header: checksum");
  }
  if (const uint16_t version = LoadLe16(p + kVersionAt); version != kVersion) {
    return absl::DataLossError(StrCat("block header: version ", version, ", 1 known"));
  }
  if (LoadLe32(p + kReservedAt) != 0) return absl::DataLossError("block header: reserved field");

  BlockHeader header;
  header.identity.part = LoadLe16(p + kPartAt);
  header.identity.group = LoadLe32(p + kGroupAt);
  std::memcpy(header.identity.ns.bytes.data(), p + kNamespaceAt, 32);
  std::memcpy(header.identity.hash.bytes.data(), p + kHashAt, 32);
  header.payload_bytes = LoadLe64(p + kPayloadBytesAt);
  std::memcpy(header.checksum.data(), p + kChecksumAt, 16);
  header.depth = LoadLe32(p + kDepthAt);
  header.written_s = LoadLe64(p + kWrittenAt);
  if (header.payload_bytes == 0 || header.payload_bytes > kMaxBlockBytes) {
    return absl::DataLossError(StrCat("block header: payload of ", header.payload_bytes, " bytes"));
  }
  return header;
}

}  // namespace halflife
