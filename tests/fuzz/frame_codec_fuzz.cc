#include <string>
#include <variant>
#include <vector>

#include <google/protobuf/stubs/logging.h>
#include "common/check.h"
#include "common/limits.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/frame_codec.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

std::string Flat(const Frame& frame) {
  std::string flat;
  for (const absl::Span<const uint8_t> piece : frame.payload)
    flat.append(piece.begin(), piece.end());
  HL_CHECK(flat.size() == frame.payload_bytes);
  return flat;
}

// The hand-written decoder against the generated class.
void CheckAgainst(const v1::Frame& message, const Frame& frame) {
  HL_CHECK(message.index() == frame.head.index && message.part() == frame.head.part);
  HL_CHECK(message.offset() == frame.head.offset &&
           message.block_bytes() == frame.head.block_bytes);
  HL_CHECK(message.checksum().empty() == !frame.head.checksum.has_value());
  HL_CHECK(!frame.head.checksum || message.checksum() == AsText(*frame.head.checksum));
  HL_CHECK(message.payload() == Flat(frame));
}

// The same bytes in one piece and in several, as they come from the network.
std::vector<absl::Span<const uint8_t>> Pieces(absl::Span<const uint8_t> bytes, size_t piece_bytes) {
  std::vector<absl::Span<const uint8_t>> pieces;
  while (bytes.size() > piece_bytes) {
    pieces.push_back(bytes.first(piece_bytes));
    bytes.remove_prefix(piece_bytes);
  }
  pieces.push_back(bytes);
  return pieces;
}

void CheckGetResponse(absl::Span<const uint8_t> bytes, size_t piece_bytes) {
  const auto whole_piece = Pieces(bytes, bytes.size());
  const auto small_pieces = Pieces(bytes, piece_bytes);
  const absl::StatusOr<Frame> whole = DecodeGetResponse(whole_piece);
  const absl::StatusOr<Frame> split = DecodeGetResponse(small_pieces);
  HL_CHECK(whole.status() == split.status());
  if (!whole.ok()) {
    HL_CHECK(whole.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  HL_CHECK(whole->head == split->head && Flat(*whole) == Flat(*split));
  v1::GetResponse message;
  HL_CHECK(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  HL_CHECK(message.has_frame());
  CheckAgainst(message.frame(), *whole);
}

void CheckPutRequest(absl::Span<const uint8_t> bytes, size_t piece_bytes) {
  const auto whole_piece = Pieces(bytes, bytes.size());
  const auto small_pieces = Pieces(bytes, piece_bytes);
  const absl::StatusOr<PutMessage> whole = DecodePutRequest(whole_piece);
  const absl::StatusOr<PutMessage> split = DecodePutRequest(small_pieces);
  HL_CHECK(whole.status() == split.status());
  if (!whole.ok()) return;
  HL_CHECK(whole->index() == split->index());
  v1::PutRequest message;
  // A header is handed on unparsed: only its reader can say whether it is one.
  const bool parsed = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (const Frame* frame = std::get_if<Frame>(&*whole)) {
    HL_CHECK(Flat(*frame) == Flat(std::get<Frame>(*split)));
    if (parsed) CheckAgainst(message.frame(), *frame);
  } else if (const std::string* header = std::get_if<std::string>(&*whole)) {
    HL_CHECK(*header == std::get<std::string>(*split));
    v1::PutHeader ours;
    const bool ours_parsed = ours.ParseFromString(*header);
    if (parsed) {
      HL_CHECK(message.has_header() && ours_parsed);
      HL_CHECK(message.header().SerializeAsString() == ours.SerializeAsString());
    }
  } else if (parsed) {
    HL_CHECK(!message.has_frame() && !message.has_header());
  }
}

void CheckRoundTrip(ByteSource source) {
  FrameHead head;
  head.index = source.Take<uint32_t>();
  head.part = source.Take<uint32_t>();
  head.offset = source.Take<uint64_t>();
  head.block_bytes = source.Take<uint64_t>();
  head.status = static_cast<FrameStatus>(source.Take<uint8_t>() % 4);
  if (source.Take<uint8_t>() % 2 == 1) head.checksum = source.Take<Digest128>();
  const std::string payload = ByteSource::TextOf(source.rest());

  const EncodedHead get_head = EncodeGetResponse(head, payload.size());
  const absl::Span<const uint8_t> get[] = {get_head.span(), AsBytes(payload)};
  const absl::StatusOr<Frame> got = DecodeGetResponse(get);
  HL_CHECK(got.ok() && got->head == head && Flat(*got) == payload);

  const EncodedHead put_head = EncodePutRequest(head, payload.size());
  const absl::Span<const uint8_t> put[] = {put_head.span(), AsBytes(payload)};
  const absl::StatusOr<PutMessage> sent = DecodePutRequest(put);
  HL_CHECK(sent.ok() && std::get<Frame>(*sent).head == head &&
           Flat(std::get<Frame>(*sent)) == payload);

  const std::string header = EncodePutRequest(AsBytes(payload));
  const absl::Span<const uint8_t> first[] = {AsBytes(header)};
  const absl::StatusOr<PutMessage> opened = DecodePutRequest(first);
  HL_CHECK(opened.ok() && std::get<std::string>(*opened) == payload);
}

}  // namespace
}  // namespace halflife

// protobuf writes a line for every text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const size_t piece_bytes = size == 0 ? 1 : 1 + data[size - 1] % 7;
  halflife::CheckGetResponse({data, size}, piece_bytes);
  halflife::CheckPutRequest({data, size}, piece_bytes);
  halflife::CheckRoundTrip(halflife::ByteSource(data, size));
  return 0;
}
