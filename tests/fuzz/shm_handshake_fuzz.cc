#include <string>
#include <vector>

#include "common/check.h"
#include "proto/wire/shm_handshake.h"
#include "tests/fuzz/byte_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife;
  const absl::Span<const uint8_t> bytes(data, size);

  // What decodes is what its encoding says, byte for byte: no message has two meanings.
  const auto hello = DecodeHello(bytes);
  if (hello.ok()) HL_CHECK(EncodeHello(*hello) == std::vector<uint8_t>(data, data + size));
  const auto welcome = DecodeWelcome(bytes);
  if (welcome.ok()) {
    HL_CHECK(!hello.ok());
    HL_CHECK(EncodeWelcome(*welcome) == std::vector<uint8_t>(data, data + size));
    if (welcome->status == HandshakeStatus::kOk) {
      HL_CHECK(welcome->staging_bytes <= kMaxStagingBytes);
      HL_CHECK(welcome->generation_words > 0 && welcome->generation_words <= kMaxGenerationWords);
    }
  }

  const auto line = DecodeLineHello(bytes);
  if (line.ok()) {
    HL_CHECK(!hello.ok() && !welcome.ok());
    HL_CHECK(EncodeLineHello(*line) == std::vector<uint8_t>(data, data + size));
  }
  const auto region = DecodeRegionHello(bytes);
  if (region.ok()) {
    HL_CHECK(region->size_bytes > 0 && region->size_bytes <= kMaxRegionBytes);
    HL_CHECK(EncodeRegionHello(*region) == std::vector<uint8_t>(data, data + size));
  }
  const auto region_ack = DecodeRegionAck(bytes);
  if (region_ack.ok()) {
    HL_CHECK(EncodeRegionAck(*region_ack) == std::vector<uint8_t>(data, data + size));
  }
  const auto ack = DecodeAck(bytes);
  if (ack.ok()) HL_CHECK(EncodeAck(*ack) == std::vector<uint8_t>(data, data + size));

  // A name never leads out of the directory.
  const std::string name = ByteSource::TextOf(bytes);
  const auto path = SocketBeside("/run/halflife/halflife.sock", name);
  if (path.ok()) {
    HL_CHECK(path->rfind('/') == sizeof("/run/halflife") - 1);
    HL_CHECK(path->size() < 108);
  }
  return 0;
}
