#include "client/src/fetch_handle.h"

#include <utility>

namespace halflife::client {

FetchHandle::FetchHandle(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

FetchHandle::~FetchHandle() {
  if (impl_->core->forked()) {
    // The call is the parent's, and so are the threads that would end it.
    static_cast<void>(impl_.release());
    return;
  }
  if (impl_->waited) return;
  Stop();
  Wait();
}

void FetchHandle::SetFloor(uint32_t block) {
  if (!impl_->core->forked()) impl_->call->SetFloor(block);
}

Outcome FetchHandle::StateOf(size_t item) const {
  return impl_->core->forked() ? Outcome::kUnavailable : impl_->call->StateOf(item);
}

void FetchHandle::Stop() {
  if (!impl_->core->forked()) impl_->call->Stop();
}

GetResult FetchHandle::Wait() {
  if (std::exchange(impl_->waited, true)) return {};
  return impl_->result.Wait();
}

}  // namespace halflife::client
