#pragma once

#include <optional>
#include <utility>

#include "client/src/call.h"
#include "client/src/completion_loop.h"
#include "client/src/core.h"

namespace halflife::client {

// Runs the call that `make(done)` makes, where done(Answer) takes its result, and waits for its end
// on this thread, which handles the client's events meanwhile.
template <typename Answer, typename Make>
Answer RunAndWait(ClientCore& core, const Make& make) {
  std::optional<Answer> answer;
  if (core.forked()) {
    // It is decided at once; and the loop's mutex may be held by a thread that does not exist here.
    make([&answer](Answer result) { answer = std::move(result); })->Begin(Call::AtOnce::kHere);
    return *std::move(answer);
  }
  CompletionLoop::Caller caller(core.loop());
  {
    const auto call = make([&answer, &caller](Answer result) {
      answer = std::move(result);
      caller.SetEnded();
    });
    call->LetAnybodyHandle();
    call->Begin(Call::AtOnce::kHere);
    caller.Wait(call->deadline_ns(), [&call] { call->End(Outcome::kTimeout); });
  }
  return *std::move(answer);
}

}  // namespace halflife::client
