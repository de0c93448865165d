#include "tools/trace/lineage.h"

#include <utility>

namespace halflife::tools {

Lineage::Lineage(size_t remembered_requests)
    : by_chat_(remembered_requests), by_last_block_(remembered_requests) {}

void Lineage::Complete(Request& request) {
  if (request.chat >= 0) {
    CompleteFromParent(request);
  } else {
    CompleteFromBlocks(request);
  }
}

void Lineage::CompleteFromParent(Request& request) {
  Seen* previous = request.parent >= 0 ? by_chat_.Find(request.parent) : nullptr;
  if (previous != nullptr) {
    Continue(*previous, request);
  } else {
    request.session = static_cast<uint64_t>(request.chat) + 1;
    if (request.turn == 0 && request.parent < 0) request.turn = 1;
  }
  by_chat_.Set(request.chat, Seen{request.session, request.turn, request.chat, request.stop});
}

void Lineage::CompleteFromBlocks(Request& request) {
  request.chat = next_chat_++;
  request.session = static_cast<uint64_t>(request.chat) + 1;
  request.turn = 1;
  for (auto block = request.blocks.rbegin(); block != request.blocks.rend(); ++block) {
    if (Seen* previous = by_last_block_.Find(*block)) {
      request.turn = 0;
      request.parent = previous->chat;
      Continue(*previous, request);
      by_last_block_.Erase(*block);
      break;
    }
  }
  if (request.blocks.empty()) return;
  by_last_block_.Set(request.blocks.back(),
                     Seen{request.session, request.turn, request.chat, request.stop});
}

void Lineage::Continue(const Seen& previous, Request& request) {
  request.session = previous.session;
  request.previous_stop = previous.stop;
  if (request.turn == 0) request.turn = previous.turn + 1;
}

}  // namespace halflife::tools
