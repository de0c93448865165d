#include "proto/wire/attributes_wire.h"

#include <algorithm>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/limit_check.h"

namespace halflife {

v1::Attributes AttributesToWire(const RequestAttributes& attributes) {
  v1::Attributes message;
  message.set_app(attributes.app);
  message.set_turn(attributes.turn);
  message.set_stop_reason(attributes.stop_reason);
  message.set_tool(attributes.tool);
  message.set_session(attributes.session);
  for (const auto& [name, value] : attributes.labels) (*message.mutable_labels())[name] = value;
  return message;
}

absl::StatusOr<RequestAttributes> AttributesFromWire(const v1::Attributes& message) {
  // Before copying: the map may be as large as a message.
  HL_RETURN_IF_ERROR(
      CheckAtMost("number of attributes.labels", message.labels().size(), kMaxAttributeLabels));
  RequestAttributes attributes;
  attributes.app = message.app();
  attributes.turn = message.turn();
  attributes.stop_reason = message.stop_reason();
  attributes.tool = message.tool();
  attributes.session = message.session();
  for (const auto& [name, value] : message.labels()) attributes.labels.emplace_back(name, value);
  // The order of a protobuf map is random.
  std::sort(attributes.labels.begin(), attributes.labels.end());
  HL_RETURN_IF_ERROR(attributes.Validate());
  return attributes;
}

}  // namespace halflife
