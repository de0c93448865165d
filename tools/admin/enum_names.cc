#include "tools/admin/enum_names.h"

#include "absl/strings/ascii.h"

namespace halflife::tools {

const char* TierName(v1::Tier tier) {
  switch (tier) {
    case v1::TIER_DRAM:
      return "dram";
    case v1::TIER_SSD:
      return "ssd";
    default:
      return "unknown";
  }
}

const char* ModelStateName(v1::ModelState state) {
  switch (state) {
    case v1::MODEL_STATE_CALIBRATING:
      return "calibrating";
    case v1::MODEL_STATE_SERVING:
      return "serving";
    case v1::MODEL_STATE_STALE:
      return "stale";
    default:
      return "none";
  }
}

std::string MissReasonText(v1::MissReason reason) {
  constexpr size_t kPrefixBytes = sizeof("MISS_REASON_") - 1;
  const std::string name = v1::MissReason_Name(reason);
  return name.size() <= kPrefixBytes ? "unknown" : absl::AsciiStrToLower(name.substr(kPrefixBytes));
}

}  // namespace halflife::tools
