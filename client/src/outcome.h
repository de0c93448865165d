#pragma once

#include <grpcpp/support/status.h>

#include "client/include/halflife/client.h"

namespace halflife::client {

// What the end of an RPC means to an engine. FAILED_PRECONDITION is kUnavailable here: the caller
// has reopened the namespace and tried again before. RESOURCE_EXHAUSTED, too, but for a Put, which
// was refused.
Outcome OutcomeOf(const grpc::Status& status);

// Completes a result whose outcome and items are set: the outcomes of items that a call did not
// finish, and the counts.
void TallyItems(GetResult* result);
void TallyItems(PutResult* result);

}  // namespace halflife::client
