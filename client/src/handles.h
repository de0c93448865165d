#pragma once

#include <memory>

#include "client/include/halflife/client.h"
#include "client/src/core.h"
#include "client/src/namespaces.h"

namespace halflife::client {

// What the two opaque pointers of the public header point to.
struct NamespaceHandle::Impl {
  std::shared_ptr<NamespaceState> state;
};

struct Client::Core final : ClientCore {
  using ClientCore::ClientCore;
};

}  // namespace halflife::client
