#include <string>

#include "common/block/namespace_descriptor.h"
#include "common/check.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

void CheckDecode(std::string_view bytes) {
  const absl::StatusOr<NamespaceDescriptor> descriptor = NamespaceDescriptor::Decode(bytes);
  if (!descriptor.ok()) {
    HL_CHECK(descriptor.status().code() == absl::StatusCode::kInvalidArgument);
    return;
  }
  HL_CHECK(descriptor->Validate().ok());
  HL_CHECK(descriptor->Encode() == bytes);
}

NamespaceDescriptor TakeDescriptor(ByteSource& source) {
  NamespaceDescriptor descriptor;
  for (std::string* text :
       {&descriptor.engine, &descriptor.engine_abi, &descriptor.model_name,
        &descriptor.model_revision, &descriptor.weights_fingerprint, &descriptor.kv_dtype,
        &descriptor.lora, &descriptor.tenant, &descriptor.user_tag}) {
    *text = source.TakeText();
  }
  descriptor.tokens_per_block = source.Take<uint32_t>();
  descriptor.block_bytes = source.Take<uint32_t>();
  descriptor.parts = source.Take<uint16_t>();
  descriptor.hash_scheme =
      static_cast<HashScheme>(source.Take<uint8_t>() % 5);  // the last one is none
  if (source.Take<uint8_t>() % 2 == 1) descriptor.hash_seed = source.Take<Digest256>();
  return descriptor;
}

// One descriptor has one encoding and another one has another: that is what keeps namespaces apart.
void CheckIdentity(ByteSource source) {
  const NamespaceDescriptor first = TakeDescriptor(source);
  const NamespaceDescriptor second = TakeDescriptor(source);
  const absl::StatusOr<NamespaceDescriptor> decoded = NamespaceDescriptor::Decode(first.Encode());
  HL_CHECK(decoded.ok() == first.Validate().ok());
  HL_CHECK(!decoded.ok() || *decoded == first);
  if (!decoded.ok() || !second.Validate().ok()) return;
  HL_CHECK((first == second) == (first.Encode() == second.Encode()));
  HL_CHECK((first == second) == (first.Id() == second.Id()));
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::CheckDecode({reinterpret_cast<const char*>(data), size});
  halflife::CheckIdentity(halflife::ByteSource(data, size));
  return 0;
}
