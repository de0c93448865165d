#include "client/src/handles.h"

#include <utility>

#include "common/block/token_hashing.h"

namespace halflife::client {

const Hash& NamespaceHandle::id() const {
  static const Hash none{};
  return impl_ == nullptr ? none : impl_->state->id.bytes;
}

const Namespace& NamespaceHandle::descriptor() const {
  static const Namespace none;
  return impl_ == nullptr ? none : impl_->state->given;
}

std::vector<Hash> NamespaceHandle::HashTokens(View<uint32_t> tokens) const {
  std::vector<Hash> hashes;
  if (impl_ == nullptr) return hashes;
  const auto chain = halflife::HashTokens(impl_->state->descriptor, {tokens.data, tokens.size});
  if (!chain.ok()) return hashes;
  hashes.reserve(chain->size());
  for (const BlockHash& hash : *chain) hashes.push_back(hash.bytes);
  return hashes;
}

Lease::Lease(Lease&& other) noexcept
    : core_(std::move(other.core_)),
      id_(std::exchange(other.id_, 0)),
      blocks_(std::exchange(other.blocks_, 0)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  Reset();
  core_ = std::move(other.core_);
  id_ = std::exchange(other.id_, 0);
  blocks_ = std::exchange(other.blocks_, 0);
  return *this;
}

Lease::~Lease() { Reset(); }

void Lease::Reset() {
  blocks_ = 0;
  const uint64_t id = std::exchange(id_, 0);
  const std::shared_ptr<void> core = std::exchange(core_, {}).lock();
  // Made by Client from a ClientCore*; after the client has ended there is nobody to give it back
  // to.
  if (id != 0 && core != nullptr) static_cast<ClientCore*>(core.get())->ReleaseLease(id);
}

}  // namespace halflife::client
