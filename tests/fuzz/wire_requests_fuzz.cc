#include <string>

#include <google/protobuf/stubs/logging.h>
#include "common/check.h"
#include "common/limits.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

// Whatever is refused is refused as malformed, with words.
template <typename T>
bool Accepted(const absl::StatusOr<T>& value) {
  HL_CHECK(value.ok() || (value.status().code() == absl::StatusCode::kInvalidArgument &&
                          !value.status().message().empty()));
  return value.ok();
}

void CheckDescriptor(const v1::NamespaceDescriptor& message) {
  const absl::StatusOr<NamespaceDescriptor> descriptor = DescriptorFromWire(message);
  if (!Accepted(descriptor)) return;
  HL_CHECK(descriptor->Validate().ok());
  HL_CHECK(*DescriptorFromWire(DescriptorToWire(*descriptor)) == *descriptor);
  HL_CHECK(*NamespaceDescriptor::Decode(descriptor->Encode()) == *descriptor);
}

void CheckChain(const v1::Chain& message) {
  const absl::StatusOr<ChainView> chain = ChainFromWire(message, kMaxTransferBlocks);
  if (!Accepted(chain)) return;
  HL_CHECK(!chain->hashes.empty() && chain->hashes.size() <= kMaxTransferBlocks);
  HL_CHECK(chain->group < kMaxGroups);
  HL_CHECK(uint64_t{chain->first_depth} + chain->hashes.size() <= UINT32_MAX);
  const v1::Chain again = ChainToWire(*chain);
  HL_CHECK(again.hashes() == message.hashes() && again.first_depth() == message.first_depth());
  HL_CHECK(again.parent() == message.parent() && again.group() == message.group());
}

void CheckAttributes(const v1::Attributes& message) {
  const absl::StatusOr<RequestAttributes> attributes = AttributesFromWire(message);
  if (!Accepted(attributes)) return;
  HL_CHECK(attributes->Validate().ok());
  const absl::StatusOr<RequestAttributes> again = AttributesFromWire(AttributesToWire(*attributes));
  HL_CHECK(again.ok());
  HL_CHECK(again->app == attributes->app && again->turn == attributes->turn &&
           again->tool == attributes->tool);
  HL_CHECK(again->session == attributes->session && again->labels == attributes->labels);
}

void CheckParts(const v1::PartRange& message, uint32_t parts) {
  const absl::StatusOr<WirePartRange> range = PartRangeFromWire(message, parts);
  if (!Accepted(range)) return;
  HL_CHECK(range->count >= 1 && uint32_t{range->first} + range->count <= parts);
  HL_CHECK(range->first == message.first());
  HL_CHECK(message.count() == 0 || range->count == message.count());
}

void CheckNamespace(const std::string& bytes) {
  const absl::StatusOr<NamespaceId> id = NamespaceIdFromWire(bytes);
  HL_CHECK(Accepted(id) == (bytes.size() == 32));
  HL_CHECK(!id.ok() || NamespaceIdToWire(*id) == bytes);
}

template <typename Message>
Message Parse(absl::Span<const uint8_t> bytes) {
  Message message;
  // What does not parse is looked at as far as it was read: the conversions must not rely on more.
  static_cast<void>(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  return message;
}

void CheckRequest(uint8_t kind, uint32_t parts, absl::Span<const uint8_t> bytes) {
  switch (kind % 7) {
    case 0:
      return CheckDescriptor(Parse<v1::OpenNamespaceRequest>(bytes).namespace_descriptor());
    case 1: {
      const auto lookup = Parse<v1::LookupRequest>(bytes);
      CheckNamespace(lookup.namespace_id());
      CheckChain(lookup.chain());
      CheckAttributes(lookup.attributes());
      return CheckParts(lookup.parts(), parts);
    }
    case 2: {
      const auto get = Parse<v1::GetRequest>(bytes);
      CheckNamespace(get.namespace_id());
      CheckChain(get.chain());
      CheckAttributes(get.attributes());
      return CheckParts(get.parts(), parts);
    }
    case 3: {
      const auto header = Parse<v1::PutHeader>(bytes);
      CheckNamespace(header.namespace_id());
      CheckChain(header.chain());
      CheckAttributes(header.attributes());
      return CheckParts(header.parts(), parts);
    }
    case 5: {
      const auto hint = Parse<v1::HintRequest>(bytes);
      CheckNamespace(hint.namespace_id());
      CheckChain(hint.chain());
      return CheckParts(hint.parts(), parts);
    }
    case 4: {
      const auto touch = Parse<v1::TouchRequest>(bytes);
      CheckChain(touch.chain());
      return CheckAttributes(touch.attributes());
    }
    default: {
      const auto erase = Parse<v1::DeleteRequest>(bytes);
      CheckNamespace(erase.namespace_id());
      return CheckChain(erase.chain());
    }
  }
}

}  // namespace
}  // namespace halflife

// First byte: which request; two bytes: parts of the namespace; then the message.
// protobuf writes a line for every text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::ByteSource source(data, size);
  const auto kind = source.Take<uint8_t>();
  const uint32_t parts = 1 + source.Take<uint16_t>() % halflife::kMaxParts;
  halflife::CheckRequest(kind, parts, source.rest());
  return 0;
}
