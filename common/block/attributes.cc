#include "common/block/attributes.h"

#include "common/limits.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/utf8.h"

namespace halflife {
namespace {

absl::Status CheckText(std::string_view name, std::string_view text) {
  if (text.size() > kMaxAttributeBytes) {
    return absl::InvalidArgumentError(
        StrCat("attributes.", name, ": ", text.size(), " bytes, at most ", kMaxAttributeBytes));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError(StrCat("attributes.", name, ": not UTF-8"));
  return absl::OkStatus();
}

}  // namespace

absl::Status RequestAttributes::Validate() const {
  HL_RETURN_IF_ERROR(CheckText("app", app));
  HL_RETURN_IF_ERROR(CheckText("stop_reason", stop_reason));
  HL_RETURN_IF_ERROR(CheckText("tool", tool));
  if (labels.size() > kMaxAttributeLabels) {
    return absl::InvalidArgumentError(
        StrCat("attributes.labels: ", labels.size(), " labels, at most ", kMaxAttributeLabels));
  }
  for (const auto& [key, value] : labels) {
    HL_RETURN_IF_ERROR(CheckText("labels", key));
    HL_RETURN_IF_ERROR(CheckText("labels", value));
  }
  return absl::OkStatus();
}

}  // namespace halflife
