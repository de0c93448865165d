#include "server/rpc/fetch_control.h"

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/limit_check.h"

namespace halflife {

absl::Status FetchControl::Start(const v1::FetchStart& start, const Range& range) {
  HL_RETURN_IF_ERROR(CheckAtLeast("start.window", start.window(), 1));
  HL_RETURN_IF_ERROR(CheckAtMost("start.window", start.window(), kMaxTransferBlocks));
  range_ = range;
  allowed_.items = start.window();
  return absl::OkStatus();
}

absl::Status FetchControl::Take(const v1::FetchRequest& message, uint64_t spent_items) {
  switch (message.message_case()) {
    case v1::FetchRequest::kStart:
      return absl::InvalidArgumentError("a second start");
    case v1::FetchRequest::kCredit:
      return TakeCredit(message.credit().count(), spent_items);
    case v1::FetchRequest::kFloor:
      return TakeFloor(message.floor().index());
    case v1::FetchRequest::kStop:
      allowed_.stopped = true;
      return absl::OkStatus();
    case v1::FetchRequest::MESSAGE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("message is missing: set start, credit, floor or stop");
}

absl::Status FetchControl::TakeCredit(uint32_t count, uint64_t spent_items) {
  HL_RETURN_IF_ERROR(CheckAtLeast("credit.count", count, 1));
  const uint64_t unused_items = allowed_.items - spent_items;
  HL_RETURN_IF_ERROR(
      CheckAtMost("number of credits not used yet", unused_items + count, kMaxTransferBlocks));
  allowed_.items += count;
  return absl::OkStatus();
}

absl::Status FetchControl::TakeFloor(uint32_t index) {
  HL_RETURN_IF_ERROR(CheckAtLeast("floor.index", index, uint64_t{allowed_.floor} + 1));
  HL_RETURN_IF_ERROR(CheckAtMost("floor.index", index, range_.end_index));
  allowed_.floor = index;
  return absl::OkStatus();
}

}  // namespace halflife
