#include "common/check.h"
#include "common/limits.h"
#include "server/rpc/fetch_control.h"
#include "tests/fuzz/byte_source.h"

namespace halflife {
namespace {

// What was allowed before a message that is refused stays, and what is allowed stays in bounds.
void CheckMessages(ByteSource& source) {
  FetchControl control;
  const uint32_t end_index = source.Take<uint8_t>();
  v1::FetchStart start;
  start.set_window(source.Take<uint8_t>());
  if (!control.Start(start, {0, end_index}).ok()) return;
  uint64_t spent_items = 0;
  while (!source.rest().empty()) {
    const Allowance before = control.allowed();
    // Some of what is allowed is used up.
    spent_items += source.Take<uint8_t>() % (before.items - spent_items + 1);
    const absl::Span<const uint8_t> bytes = source.TakeBytes(source.Take<uint8_t>() % 16);
    v1::FetchRequest message;
    // What does not parse is looked at as far as it was read.
    static_cast<void>(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    const absl::Status taken = control.Take(message, spent_items);

    const Allowance& now = control.allowed();
    HL_CHECK(taken.ok() || (absl::IsInvalidArgument(taken) && !taken.message().empty()));
    HL_CHECK(now.items - spent_items <= kMaxTransferBlocks);
    HL_CHECK(now.items >= before.items && now.floor >= before.floor && now.floor <= end_index);
    HL_CHECK(taken.ok() || (now.items == before.items && now.floor == before.floor &&
                            now.stopped == before.stopped));
  }
}

}  // namespace
}  // namespace halflife

// First bytes: blocks that are asked for, window; then messages, each with what was used before it
// and its size.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halflife::ByteSource source(data, size);
  halflife::CheckMessages(source);
  return 0;
}
