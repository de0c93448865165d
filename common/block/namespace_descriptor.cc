#include "common/block/namespace_descriptor.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/utf8.h"

namespace halflife {
namespace {

constexpr std::string_view kMagic("HLND\x00\x01", 6);  // magic, be16 version

// Tags of the canonical encoding. Never renumber: ids of existing namespaces hang on them.
enum Tag : uint16_t {
  kTagEngine = 1,
  kTagEngineAbi,
  kTagModelName,
  kTagModelRevision,
  kTagWeightsFingerprint,
  kTagKvDtype,
  kTagLora,
  kTagTenant,
  kTagUserTag,
  kTagTokensPerBlock,
  kTagBlockBytes,
  kTagParts,
  kTagHashScheme,
  kTagHashSeed,
};

struct StringField {
  Tag tag;
  std::string_view name;
  std::string NamespaceDescriptor::*member;
};
constexpr StringField kStringFields[] = {
    {kTagEngine, "engine", &NamespaceDescriptor::engine},
    {kTagEngineAbi, "engine_abi", &NamespaceDescriptor::engine_abi},
    {kTagModelName, "model_name", &NamespaceDescriptor::model_name},
    {kTagModelRevision, "model_revision", &NamespaceDescriptor::model_revision},
    {kTagWeightsFingerprint, "weights_fingerprint", &NamespaceDescriptor::weights_fingerprint},
    {kTagKvDtype, "kv_dtype", &NamespaceDescriptor::kv_dtype},
    {kTagLora, "lora", &NamespaceDescriptor::lora},
    {kTagTenant, "tenant", &NamespaceDescriptor::tenant},
    {kTagUserTag, "user_tag", &NamespaceDescriptor::user_tag},
};

void AppendBigEndian(std::string& out, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

void AppendField(std::string& out, Tag tag, std::string_view bytes) {
  AppendBigEndian(out, tag, 2);
  AppendBigEndian(out, bytes.size(), 4);
  out.append(bytes);
}

void AppendInteger(std::string& out, Tag tag, uint64_t value, int bytes) {
  if (value == 0) return;
  std::string text;
  AppendBigEndian(text, value, bytes);
  AppendField(out, tag, text);
}

bool ReadInteger(std::string_view bytes, size_t width, uint64_t* value) {
  *value = BigEndian(bytes);
  return bytes.size() == width;
}

// False if the tag is unknown or the value has the wrong width.
bool ReadField(NamespaceDescriptor& descriptor, uint16_t tag, std::string_view bytes) {
  for (const StringField& field : kStringFields) {
    if (field.tag != tag) continue;
    descriptor.*field.member = std::string(bytes);
    return true;
  }
  uint64_t value = 0;
  switch (tag) {
    case kTagTokensPerBlock:
      if (!ReadInteger(bytes, 4, &value)) return false;
      descriptor.tokens_per_block = static_cast<uint32_t>(value);
      return true;
    case kTagBlockBytes:
      return ReadInteger(bytes, 8, &descriptor.block_bytes);
    case kTagParts:
      if (!ReadInteger(bytes, 4, &value)) return false;
      descriptor.parts = static_cast<uint32_t>(value);
      return true;
    case kTagHashScheme:
      if (!ReadInteger(bytes, 1, &value)) return false;
      descriptor.hash_scheme = static_cast<HashScheme>(value);
      return true;
    case kTagHashSeed:
      if (bytes.size() != descriptor.hash_seed.size()) return false;
      std::copy(bytes.begin(), bytes.end(), descriptor.hash_seed.begin());
      return true;
    default:
      return false;
  }
}

absl::Status Malformed(std::string_view what) {
  return absl::InvalidArgumentError(StrCat("namespace descriptor: ", what));
}

}  // namespace

absl::Status NamespaceDescriptor::Validate() const {
  for (const StringField& field : kStringFields) {
    const std::string& text = this->*field.member;
    if (text.size() > kMaxDescriptorStringBytes) {
      return Malformed(
          StrCat(field.name, " has ", text.size(), " bytes, at most ", kMaxDescriptorStringBytes));
    }
    if (!IsUtf8(text)) return Malformed(StrCat(field.name, " is not UTF-8"));
  }
  if (model_name.empty()) return Malformed("model_name is empty");
  if (tokens_per_block == 0) return Malformed("tokens_per_block is 0");
  if (block_bytes < kMinBlockBytes || block_bytes > kMaxBlockBytes) {
    return Malformed(StrCat("block_bytes is ", block_bytes, ", allowed are ", kMinBlockBytes,
                            " to ", kMaxBlockBytes));
  }
  if (parts == 0 || parts > kMaxParts) {
    return Malformed(StrCat("parts is ", parts, ", allowed are 1 to ", kMaxParts));
  }
  if (hash_scheme > HashScheme::kSglang) {
    return Malformed(StrCat("hash_scheme ", static_cast<int>(hash_scheme), " is unknown"));
  }
  return absl::OkStatus();
}

std::string NamespaceDescriptor::Encode() const {
  std::string out(kMagic);
  for (const StringField& field : kStringFields) {
    if (const std::string& text = this->*field.member; !text.empty())
      AppendField(out, field.tag, text);
  }
  AppendInteger(out, kTagTokensPerBlock, tokens_per_block, 4);
  AppendInteger(out, kTagBlockBytes, block_bytes, 8);
  AppendInteger(out, kTagParts, parts, 4);
  AppendInteger(out, kTagHashScheme, static_cast<uint8_t>(hash_scheme), 1);
  if (hash_seed != Digest256{}) AppendField(out, kTagHashSeed, AsText(hash_seed));
  return out;
}

absl::StatusOr<NamespaceDescriptor> NamespaceDescriptor::Decode(std::string_view bytes) {
  const std::string_view input = bytes;
  if (bytes.substr(0, kMagic.size()) != kMagic) return Malformed("magic or version");
  bytes.remove_prefix(kMagic.size());
  NamespaceDescriptor descriptor;
  descriptor.parts = 0;
  while (!bytes.empty()) {
    if (bytes.size() < 6) return Malformed("cut off in a field's head");
    const uint16_t tag = static_cast<uint16_t>(BigEndian(bytes.substr(0, 2)));
    const uint64_t length = BigEndian(bytes.substr(2, 4));
    bytes.remove_prefix(6);
    if (length > bytes.size()) return Malformed(StrCat("field ", tag, " is cut off"));
    if (!ReadField(descriptor, tag, bytes.substr(0, length))) {
      return Malformed(StrCat("field ", tag, " is unknown or has a wrong width"));
    }
    bytes.remove_prefix(length);
  }
  HL_RETURN_IF_ERROR(descriptor.Validate());
  // Order, duplicates and zero values: one descriptor has exactly one encoding.
  if (descriptor.Encode() != input) return Malformed("not in canonical form");
  return descriptor;
}

NamespaceId NamespaceDescriptor::Id() const {
  return {Sha256().Update("halflife-ns-1").Update(Encode()).Finish()};
}

}  // namespace halflife
