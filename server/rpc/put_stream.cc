#include "server/rpc/put_stream.h"

#include <utility>

#include "common/block_copy.h"
#include "common/check.h"
#include "common/status.h"
#include "proto/wire/grpc_status.h"
#include "server/rpc/store_wire.h"

namespace halflife {

PutStream::PutStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context,
                     grpc::ByteBuffer* response)
    : environment_(std::move(environment)),
      under_way_(*environment_->calls.TryHold(0)),
      started_ns_(environment_->clock.NowNanos()),
      deadline_ns_(environment_->DeadlineNanos(*context)),
      response_(response),
      context_(context),
      pace_({environment_->options.min_put_bytes_per_s, environment_->options.min_put_grace}) {}

grpc::ServerReadReactor<grpc::ByteBuffer>* PutStream::Start(RpcEnvironmentRef environment,
                                                            grpc::CallbackServerContext* context,
                                                            grpc::ByteBuffer* response) {
  environment->counters.CountStart(RpcMethod::kPut);
  auto stream = std::make_shared<PutStream>(std::move(environment), context, response);
  stream->self_ = stream;
  if (stream->environment_->draining) {
    stream->environment_->counters.refused_draining.fetch_add(1, std::memory_order_relaxed);
    stream->pump_.Run([&] { stream->End(DrainingError()); });
    return stream.get();
  }
  stream->environment_->watch.Add(stream);
  stream->pump_.Run([&] { stream->StartReading(); });
  return stream.get();
}

void PutStream::OnReadDone(bool ok) {
  const int64_t now_ns = environment_->clock.NowNanos();
  {
    MutexLock lock(mutex_);
    inbox_.read_done = true;
    inbox_.read_ok = ok;
    pace_.Waited(now_ns - reading_since_ns_);
    reading_since_ns_ = 0;
  }
  Pump();
}

void PutStream::OnCancel() {
  {
    MutexLock lock(mutex_);
    inbox_.broken = true;
  }
  Pump();
}

void PutStream::OnDone() {
  context_.Close();
  {
    MutexLock lock(mutex_);
    done_ = true;
  }
  environment_->counters.CountEnd(RpcMethod::kPut, status_.code(),
                                  environment_->clock.NowNanos() - started_ns_);
  // A request for a buffer may keep the stream a little longer.
  const std::shared_ptr<PutStream> last = std::move(self_);
}

bool PutStream::CheckProgress(int64_t now_ns) {
  bool stalled = false;
  bool expired = false;
  bool too_slow = false;
  {
    MutexLock lock(mutex_);
    if (done_) return false;
    stalled =
        reading_since_ns_ != 0 &&
        now_ns - reading_since_ns_ > absl::ToInt64Nanoseconds(environment_->options.stall_timeout);
    expired = now_ns > deadline_ns_ && !inbox_.expired;
    inbox_.expired |= expired;
    too_slow =
        reading_since_ns_ != 0 && !inbox_.too_slow && pace_.TooSlow(now_ns - reading_since_ns_);
    inbox_.too_slow |= too_slow;
  }
  if (stalled) {
    environment_->counters.stalled_streams.fetch_add(1, std::memory_order_relaxed);
    context_.Cancel();
    return false;
  }
  if (expired) environment_->counters.expired_calls.fetch_add(1, std::memory_order_relaxed);
  if (too_slow) environment_->counters.slow_puts.fetch_add(1, std::memory_order_relaxed);
  if (expired || too_slow) Pump();
  return true;
}

void PutStream::Pump() {
  // Finish may lead to OnDone on another thread at once.
  const std::shared_ptr<PutStream> alive = shared_from_this();
  pump_.Run([this] { Step(); });
}

PutStream::Inbox PutStream::TakeInbox() {
  MutexLock lock(mutex_);
  Inbox taken = std::exchange(inbox_, {});
  // These stay true.
  inbox_.broken = taken.broken;
  inbox_.expired = taken.expired;
  inbox_.too_slow = taken.too_slow;
  return taken;
}

void PutStream::Step() {
  Inbox inbox = TakeInbox();
  if (ended_) {
    if (inbox.expired) context_.Cancel();
    return;  // a late buffer is freed with the inbox
  }
  if (inbox.read_done) reading_ = false;
  if (inbox.too_slow) LetGo();
  if (reading_) {
    // What is being read must come back first, well or not.
    if (inbox.expired) context_.Cancel();
    return;
  }
  if (inbox.broken) {
    End(absl::CancelledError("cancelled by the caller"));
    return;
  }
  if (inbox.expired) {
    End(DeadlineError());
    return;
  }
  if (inbox.too_slow) {
    End(TooSlowError());
    return;
  }
  Next next = Next::kWait;
  if (inbox.read_done) next = inbox.read_ok ? TakeMessage() : EndOfStream();
  if (inbox.buffer) next = TakeBuffer(*std::move(inbox.buffer));
  if (next == Next::kRead) StartReading();
}

void PutStream::StartReading() {
  reading_ = true;
  {
    MutexLock lock(mutex_);
    reading_since_ns_ = environment_->clock.NowNanos();
  }
  message_.Clear();
  StartRead(&message_);
}

PutStream::Next PutStream::TakeMessage() {
  MessageSpans message(message_);
  absl::StatusOr<PutMessage> decoded = DecodePutRequest(message.spans());
  if (!decoded.ok()) return End(decoded.status());
  if (const std::string* header = std::get_if<std::string>(&*decoded)) return TakeHeader(*header);
  if (Frame* frame = std::get_if<Frame>(&*decoded))
    return TakeFrame(std::move(message), std::move(*frame));
  return End(absl::InvalidArgumentError("message with neither header nor frame"));
}

PutStream::Next PutStream::TakeHeader(const std::string& serialized) {
  if (plan_) return End(absl::InvalidArgumentError("a second header"));
  absl::StatusOr<PutPlan> plan = MakePutPlan(environment_->store, serialized);
  if (!plan.ok()) return End(plan.status());
  plan_ = *std::move(plan);
  sequence_.emplace(*plan_);
  statuses_.assign(plan_->items.size(), static_cast<char>(v1::PUT_STATUS_UNSPECIFIED));
  if (AllResident()) {
    RefuseFrom(0, PutOutcome::kDuplicate);
    return EndWell();
  }
  reserved_ = environment_->put_bytes.TryHold(plan_->block_bytes());
  if (reserved_) return Next::kRead;
  return End(WithRetryDelay(
      absl::ResourceExhaustedError(absl::StrCat(
          "Put: ", plan_->block_bytes(), " bytes wanted, ", environment_->put_bytes.bytes(), " of ",
          environment_->put_bytes.limit_bytes(), " in flight")),
      kRetryDelay));
}

bool PutStream::AllResident() const {
  for (const PutPlan::Item& item : plan_->items) {
    if (!environment_->store.FindInDram(item.address)) return false;
  }
  return true;
}

PutStream::Next PutStream::TakeFrame(MessageSpans message, Frame frame) {
  if (!plan_) return End(absl::InvalidArgumentError("the first message must be a header"));
  const absl::StatusOr<PutSequence::Position> position =
      sequence_->Next(frame.head, frame.payload_bytes);
  if (!position.ok()) return End(position.status());
  CountReceived(frame.payload_bytes, *position);
  if (!position->first) return StorePiece(frame, *position);

  checksum_ = *frame.head.checksum;
  waiting_ = WaitingFrame{std::move(message), std::move(frame), *position};
  environment_->store.AllocateForPut(
      plan_->ns, plan_->items[position->item].address,
      [self = shared_from_this()](absl::StatusOr<BlockBuffer> buffer) {
        {
          MutexLock lock(self->mutex_);
          self->inbox_.buffer = std::move(buffer);
        }
        self->Pump();
      });
  return Next::kWait;
}

void PutStream::CountReceived(uint64_t bytes, const PutSequence::Position& position) {
  MutexLock lock(mutex_);
  if (position.first) pace_.BeginBlock();
  pace_.Received(bytes);
  if (position.last) pace_.EndBlock();
}

PutStream::Next PutStream::TakeBuffer(absl::StatusOr<BlockBuffer> buffer) {
  HL_CHECK(waiting_.has_value());
  const WaitingFrame waiting = *std::exchange(waiting_, std::nullopt);
  const size_t item = waiting.position.item;
  if (buffer.ok()) {
    buffer_ = *std::move(buffer);
  } else if (absl::IsAlreadyExists(buffer.status())) {
    SetOutcome(item, PutOutcome::kDuplicate);
  } else if (const std::optional<PutOutcome> refused = RefusalOf(buffer.status())) {
    // Blocks behind a hole would be of no use: the rest need not be sent.
    RefuseFrom(item, *refused);
    return EndWell();
  } else {
    return End(buffer.status());
  }
  return StorePiece(waiting.frame, waiting.position);
}

PutStream::Next PutStream::StorePiece(const Frame& frame, const PutSequence::Position& position) {
  if (!buffer_) {
    environment_->counters.swallowed_put_bytes.fetch_add(frame.payload_bytes,
                                                         std::memory_order_relaxed);
    return Next::kRead;
  }
  if (position.first) computed_.emplace(ChecksumSeed(plan_->items[position.item].address.identity));
  // The one copy of a Put: from gRPC's receive buffers, which nobody else can write to, into the
  // arena.
  uint8_t* to = buffer_.bytes().data() + position.offset;
  for (const absl::Span<const uint8_t> piece : frame.payload) {
    CopyAndHash(to, piece.data(), piece.size(), /*past_cache=*/true, *computed_);
    to += piece.size();
  }
  return position.last ? CommitBlock(position.item) : Next::kRead;
}

PutStream::Next PutStream::CommitBlock(size_t item) {
  const PutPlan::Item& planned = plan_->items[item];
  BlockStore::PutBlock block{.address = planned.address,
                             .parent = planned.parent,
                             .depth = planned.depth,
                             .checksum = checksum_,
                             .computed = computed_->Finish(),
                             .buffer = std::exchange(buffer_, BlockBuffer())};
  const PutOutcome outcome =
      environment_->store.Commit(plan_->ns, std::move(block), plan_->attributes);
  statuses_[item] = static_cast<char>(PutOutcomeToWire(outcome));
  switch (outcome) {
    case PutOutcome::kStored:
      ++stored_;
      return Next::kRead;
    case PutOutcome::kDuplicate:
    case PutOutcome::kDuplicateOtherBytes:
      ++duplicates_;
      return Next::kRead;
    case PutOutcome::kRefusedChecksum:
      // The peer or the way to it damages bytes: do not take more of them.
      return End(absl::DataLossError(absl::StrCat("checksum of block ", planned.index, " part ",
                                                  planned.part, " does not hold")));
    case PutOutcome::kRefusedNoRoom:
    case PutOutcome::kRefusedNotAdmitted:
    case PutOutcome::kRefusedOverQuota:
      break;
  }
  return Next::kRead;
}

void PutStream::SetOutcome(size_t item, PutOutcome outcome) {
  statuses_[item] = static_cast<char>(PutOutcomeToWire(outcome));
  if (outcome == PutOutcome::kDuplicate) ++duplicates_;
  environment_->store.CountPut(plan_->ns, plan_->attributes, outcome);
}

void PutStream::RefuseFrom(size_t item, PutOutcome outcome) {
  for (; item < plan_->items.size(); ++item) SetOutcome(item, outcome);
}

PutStream::Next PutStream::EndOfStream() {
  if (!plan_) return End(absl::InvalidArgumentError("the stream ended before its header"));
  if (absl::Status whole = sequence_->Finish(); !whole.ok()) return End(std::move(whole));
  return EndWell();
}

PutStream::Next PutStream::EndWell() {
  v1::PutResponse response;
  response.set_stored(stored_);
  response.set_duplicates(duplicates_);
  response.set_status(statuses_);
  *response_ = SerializeMessage(response);
  return End(absl::OkStatus());
}

PutStream::Next PutStream::End(absl::Status status) {
  ended_ = true;
  status_ = std::move(status);
  // At once, not when gRPC is done: others may wait for the room.
  LetGo();
  waiting_.reset();
  message_.Clear();
  Finish(ToGrpcStatus(status_));
  return Next::kEnded;
}

void PutStream::LetGo() {
  buffer_ = BlockBuffer();
  if (reserved_) reserved_->Release();
}

absl::Status PutStream::TooSlowError() {
  MutexLock lock(mutex_);
  return absl::DeadlineExceededError(absl::StrCat(
      "Put: ", pace_.received_bytes(), " of ", plan_->block_bytes(),
      " bytes of a block came too slowly: at least ", environment_->options.min_put_bytes_per_s,
      " bytes per second are wanted after ",
      absl::FormatDuration(environment_->options.min_put_grace), " (server.min_put_rate)"));
}

}  // namespace halflife
