#include "client/src/shm_commit.h"

#include <utility>

#include "common/check.h"
#include "proto/wire/grpc_status.h"

namespace halflife::client {

// A line that is given up while its answer is under way closes, and the daemon is told by that.
ShmCommits::~ShmCommits() {
  for (auto& line : lines_) {
    if (line == nullptr) continue;
    line->GiveUp();
    visit_.GiveBackLine(std::move(line));
  }
}

bool ShmCommits::Start(const v1::CommitBlocksRequest& request) {
  std::shared_ptr<ShmLine> line = visit_.TakeLine();
  if (line != nullptr && !line->Send(LineMethod::kCommitBlocks, request)) {
    visit_.GiveBackLine(std::move(line));
    line = nullptr;
  }
  if (line == nullptr &&
      !polled_.Start([&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
        return visit_.stub().AsyncCommitBlocks(context, request, queue);
      })) {
    return false;
  }
  lines_.push_back(std::move(line));
  return true;
}

ShmCommits::Answer ShmCommits::Wait() {
  HL_CHECK(!lines_.empty());
  std::shared_ptr<ShmLine> line = std::move(lines_.front());
  lines_.pop_front();
  Answer answer;
  if (line != nullptr) {
    answer.status = line->Receive(answer.response, visit_.time_left_ns());
    visit_.GiveBackLine(std::move(line));
  } else {
    auto polled = polled_.Wait();
    answer.status = FromGrpcStatus(polled.status);
    answer.response = std::move(polled.response);
  }
  return answer;
}

}  // namespace halflife::client
