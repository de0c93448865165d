#include "client/src/shm_commit.h"

#include <utility>

#include "common/check.h"

namespace halflife::client {

ShmCommits::~ShmCommits() {
  for (const auto& call : calls_) call->context->TryCancel();
  while (!calls_.empty()) Wait();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) HL_CHECK(false);  // every call has been waited for
}

bool ShmCommits::Start(const v1::CommitBlocksRequest& request) {
  auto call = std::make_unique<Call>();
  call->context = visit_.NewContext();
  if (call->context == nullptr) return false;
  call->reader = visit_.stub().AsyncCommitBlocks(call->context.get(), request, &queue_);
  call->reader->Finish(&call->answer.response, &call->answer.status, call.get());
  calls_.push_back(std::move(call));
  return true;
}

ShmCommits::Answer ShmCommits::Wait() {
  HL_CHECK(!calls_.empty());
  while (!calls_.front()->done) {
    void* tag = nullptr;
    bool ok = false;
    HL_CHECK(queue_.Next(&tag, &ok));
    static_cast<Call*>(tag)->done = true;
  }
  const std::unique_ptr<Call> call = std::move(calls_.front());
  calls_.pop_front();
  return std::move(call->answer);
}

}  // namespace halflife::client
