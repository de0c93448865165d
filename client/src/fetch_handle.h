#pragma once

#include <memory>

#include "client/include/halflife/client.h"
#include "client/src/core.h"
#include "client/src/fetch_call.h"
#include "client/src/latch.h"

namespace halflife::client {

// What FetchHandle points to.
struct FetchHandle::Impl {
  std::shared_ptr<ClientCore> core;  // outlives the call
  std::shared_ptr<FetchCall> call;
  Latch<GetResult> result;
  bool waited = false;
};

}  // namespace halflife::client
