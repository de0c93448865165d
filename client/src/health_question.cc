#include "client/src/health_question.h"

#include <string>
#include <utility>

#include "client/src/core.h"
#include "proto/wire/byte_buffer.h"

namespace halflife::client {
namespace {

using Answer = RecoveryProbe::Answer;

// HealthCheckRequest{service = 1}, HealthCheckResponse{status = 1}, SERVING = 1.
constexpr char kReadiness[] = "\x0a\x09readiness";
constexpr char kServing[] = "\x08\x01";

// A stopped daemon answers the question that waits for it the moment it goes on, so a long one is
// the better one; it only bounds how long a lost answer delays the next question.
constexpr int64_t kQuestionTimeoutNs = 1'000'000'000;

Answer AnswerOf(const grpc::Status& status, const grpc::ByteBuffer& response) {
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) return Answer::kOverloaded;
  return status.ok() && SaysServing(response) ? Answer::kReady : Answer::kNotReady;
}

}  // namespace

grpc::ByteBuffer ReadinessRequest() {
  const grpc::Slice slice(std::string(kReadiness, sizeof(kReadiness) - 1));
  return grpc::ByteBuffer(&slice, 1);
}

bool SaysServing(const grpc::ByteBuffer& response) {
  const MessageSpans pieces(response);
  return pieces.spans().size() == 1 && AsText(pieces.spans()[0]) == kServing;
}

void HealthQuestion::Ask(std::function<void(Answer)> done) {
  if (!core_.loop().BeginRpc()) return;
  const auto rpc = std::make_shared<UnaryRpc<grpc::ByteBuffer>>(core_.loop(), kQuestionTimeoutNs);
  bool cancelled = false;
  {
    MutexLock lock(mutex_);
    cancelled = cancelled_;
    if (!cancelled) rpc_ = rpc;
  }
  if (cancelled) {
    core_.loop().EndRpc();
    return;
  }
  Bump(core_.counters().health_probes);
  auto reader = core_.NextConnection().generic->PrepareUnaryCall(
      &rpc->context(), kHealthMethod, ReadinessRequest(), core_.loop().queue());
  rpc->Start(std::move(reader), [this, done = std::move(done)](const grpc::Status& status,
                                                               const grpc::ByteBuffer& response) {
    std::shared_ptr<Rpc> ended;  // let go of without the lock
    {
      MutexLock lock(mutex_);
      ended.swap(rpc_);
    }
    done(AnswerOf(status, response));
  });
}

void HealthQuestion::Cancel() {
  std::shared_ptr<Rpc> rpc;
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
    rpc = rpc_;
  }
  if (rpc) rpc->Cancel();
}

}  // namespace halflife::client
