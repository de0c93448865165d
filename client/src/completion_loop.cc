#include "client/src/completion_loop.h"

namespace halflife::client {

bool CompletionLoop::BeginRpc() {
  MutexLock lock(mutex_);
  if (refusing_) return false;
  ++rpcs_;
  return true;
}

void CompletionLoop::EndRpc() {
  MutexLock lock(mutex_);
  // Notified with the lock held: the waiter may destroy this object once it has seen zero.
  if (--rpcs_ == 0) idle_.NotifyAll();
}

void CompletionLoop::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) static_cast<CompletionTag*>(tag)->OnEvent(ok);
}

void CompletionLoop::RefuseRpcs() {
  MutexLock lock(mutex_);
  refusing_ = true;
}

void CompletionLoop::WaitForRpcs() {
  MutexLock lock(mutex_);
  while (rpcs_ > 0) idle_.Wait(mutex_);
}

}  // namespace halflife::client
