#include "client/src/fetch_call.h"

#include <grpc/support/time.h>
#include <grpcpp/alarm.h>

#include <algorithm>
#include <utility>

#include "client/src/core.h"
#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/byte_buffer.h"
#include "proto/wire/limit_check.h"

namespace halflife::client {
namespace {

constexpr char kMethod[] = "/halflife.v1.CacheService/Fetch";
constexpr uint64_t kUsualWindowBytes = uint64_t{4} << 20;
constexpr uint64_t kLeastUsualWindow = 8;

uint32_t WindowOr(uint32_t given, const NamespaceState* ns) {
  if (given != 0) return given;
  return ns != nullptr ? UsualWindow(ns->descriptor.block_bytes) : kLeastUsualWindow;
}

GetCall::First StartOf(uint32_t window) {
  return [window](const v1::GetRequest& get) -> absl::StatusOr<grpc::ByteBuffer> {
    HL_RETURN_IF_ERROR(CheckAtLeast("window", window, 1));
    HL_RETURN_IF_ERROR(CheckAtMost("window", window, kMaxTransferBlocks));
    v1::FetchRequest request;
    *request.mutable_start()->mutable_get() = get;
    request.mutable_start()->set_window(window);
    return SerializeMessage(request);
  };
}

}  // namespace

uint32_t UsualWindow(uint64_t block_bytes) {
  const uint64_t items = kUsualWindowBytes / std::max<uint64_t>(block_bytes, 1);
  return static_cast<uint32_t>(std::clamp<uint64_t>(items, kLeastUsualWindow, kMaxTransferBlocks));
}

// An event that is due at once: what it has to do is done by the thread that handles those of the
// stream, one after the other. Deletes itself.
class FetchCall::Nudge final : public CompletionTag {
 public:
  static void Post(std::shared_ptr<FetchCall> call) {
    CompletionLoop& loop = call->core().loop();
    if (!loop.BeginRpc()) return;  // the client ends, and with it the call
    auto* const nudge = new Nudge(std::move(call));
    nudge->alarm_.Set(loop.queue(), gpr_now(GPR_CLOCK_MONOTONIC), nudge->tag());
  }

  void OnEvent(bool /*ok*/) override {
    CompletionLoop& loop = call_->core().loop();
    {
      MutexLock lock(call_->mutex());
      call_->nudged_ = false;
    }
    call_->WriteNext();
    delete this;
    loop.EndRpc();
  }

 private:
  explicit Nudge(std::shared_ptr<FetchCall> call) : call_(std::move(call)) {}

  const std::shared_ptr<FetchCall> call_;
  grpc::Alarm alarm_;
};

FetchCall::FetchCall(ClientCore& core, GetRequest request, uint32_t window,
                     std::shared_ptr<NamespaceState> ns, Done done)
    : GetCall(core, std::move(request), ns, StartOf(WindowOr(window, ns.get())), std::move(done)),
      window_(WindowOr(window, ns.get())),
      credits_per_message_(std::max<uint64_t>(window_ / 2, 1)) {}

void FetchCall::StartRpc() {
  const auto stream = NewRpc<StreamRpc>();
  if (stream == nullptr) return;
  stream_ = stream;
  StartStream(stream, kMethod, /*last=*/false);
}

void FetchCall::SetFloor(uint32_t block) {
  {
    MutexLock lock(mutex());
    if (ended() || !receiver()) return;
    floor_ = std::max(floor_, std::min(block, receiver()->blocks()));
    receiver()->RaiseFloor(floor_);
  }
  WakeWriter();
}

void FetchCall::Stop() {
  {
    MutexLock lock(mutex());
    if (ended() || !receiver()) return;
    stopped_ = true;
    receiver()->RaiseFloor(receiver()->blocks());
  }
  WakeWriter();
}

Outcome FetchCall::StateOf(size_t item) {
  MutexLock lock(mutex());
  if (item < outcomes_.size()) return outcomes_[item];
  const bool settled = receiver() && receiver()->is_settled(item) && item < items().size();
  return settled ? items()[item].outcome : Outcome::kTimeout;
}

void FetchCall::WakeWriter() {
  {
    MutexLock lock(mutex());
    if (ended() || std::exchange(nudged_, true)) return;
  }
  Nudge::Post(std::static_pointer_cast<FetchCall>(shared_from_this()));
}

void FetchCall::OnWritten() {
  if (!std::exchange(open_, true)) said_ = {.floor = 0, .credits = window_, .stopped = false};
  WriteNext();
}

bool FetchCall::OnMessage(const grpc::ByteBuffer& message) {
  if (!GetCall::OnMessage(message)) return false;
  WriteNext();
  return true;
}

void FetchCall::OnEnd(const grpc::Status& status) {
  open_ = false;
  stream_.reset();
  GetCall::OnEnd(status);
}

void FetchCall::WriteNext() {
  if (!open_ || !stream_->can_write()) return;
  const std::optional<v1::FetchRequest> message = NextMessage();
  if (message) stream_->Write(SerializeMessage(*message), /*last=*/message->has_stop());
}

std::optional<v1::FetchRequest> FetchCall::NextMessage() {
  v1::FetchRequest message;
  MutexLock lock(mutex());
  if (ended() || said_.stopped) return std::nullopt;
  const uint64_t credits =
      std::min<uint64_t>(items().size(), window_ + receiver()->settled_items());
  if (stopped_) {
    said_.stopped = true;
    message.mutable_stop();
  } else if (floor_ > said_.floor) {
    said_.floor = floor_;
    message.mutable_floor()->set_index(floor_);
  } else if (credits >= said_.credits + credits_per_message_ ||
             (credits > said_.credits && credits == items().size())) {
    message.mutable_credit()->set_count(static_cast<uint32_t>(credits - said_.credits));
    said_.credits = credits;
  } else {
    return std::nullopt;
  }
  return message;
}

void FetchCall::Deliver(Outcome outcome) {
  {
    MutexLock lock(mutex());
    for (const GetItem& item : items()) outcomes_.push_back(item.outcome);
  }
  GetCall::Deliver(outcome);
}

}  // namespace halflife::client
