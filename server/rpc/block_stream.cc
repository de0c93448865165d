#include "server/rpc/block_stream.h"

#include <algorithm>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/byte_buffer.h"
#include "proto/wire/grpc_status.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

// A reader that takes longer for one frame is slow: no read-ahead is kept for it, and it is cut if
// another Get would be refused instead. 4 MB/s, far below any network on which fetching pays.
constexpr absl::Duration kSlowWrite = absl::Milliseconds(250);

bool IsSlow(int64_t since_ns, int64_t now_ns) {
  return since_ns != 0 && now_ns - since_ns >= absl::ToInt64Nanoseconds(kSlowWrite);
}

// Keeps a block in place while gRPC holds a slice of it.
struct PinnedPiece {
  RpcEnvironmentRef environment;  // outlives `bytes`, which counts in it
  InFlight::Hold bytes;
  BlockRef block;
};

grpc::Slice SliceOf(const RpcEnvironmentRef& environment, const BlockRef& block,
                    absl::Span<const uint8_t> piece) {
  auto* pinned =
      new PinnedPiece{environment, *environment->frame_bytes.TryHold(piece.size()), block};
  return grpc::Slice(
      const_cast<uint8_t*>(piece.data()), piece.size(),
      [](void* user_data) { delete static_cast<PinnedPiece*>(user_data); }, pinned);
}

}  // namespace

BlockStream::BlockStream(RpcEnvironmentRef environment, RpcMethod method,
                         grpc::CallbackServerContext* context, const Allowance& allowed)
    : allowed_(allowed),
      environment_(std::move(environment)),
      method_(method),
      under_way_(*environment_->calls.TryHold(0)),
      started_ns_(environment_->clock.NowNanos()),
      deadline_ns_(environment_->DeadlineNanos(*context)),
      context_(context) {
  environment_->counters.CountStart(method);
}

void BlockStream::Refuse(absl::Status status) {
  const std::shared_ptr<BlockStream> alive = shared_from_this();
  pump_.Run([&] { End(std::move(status)); });
}

absl::Status BlockStream::CheckNotDraining() {
  if (!environment_->draining) return absl::OkStatus();
  environment_->counters.refused_draining.fetch_add(1, std::memory_order_relaxed);
  return DrainingError();
}

absl::Status BlockStream::Admit(GetPlan plan) {
  HL_RETURN_IF_ERROR(Reserve(plan));
  plan_ = std::move(plan);
  window_.emplace(*plan_);
  return absl::OkStatus();
}

absl::Status BlockStream::Reserve(const GetPlan& plan) {
  const uint64_t bytes = plan.items.empty() ? 0 : plan.block_bytes();
  const int64_t slow_since_ns =
      environment_->clock.NowNanos() - absl::ToInt64Nanoseconds(kSlowWrite);
  while (!environment_->get_bytes.HasRoom(bytes) && environment_->watch.CutSlowest(slow_since_ns)) {
  }
  std::optional<InFlight::Hold> reserved = environment_->get_bytes.TryHold(bytes);
  if (reserved) {
    MutexLock lock(mutex_);
    reserved_ = std::move(reserved);
    return absl::OkStatus();
  }
  return WithRetryDelay(absl::ResourceExhaustedError(
                            absl::StrCat(ToAbsl(RpcMethodName(method_)), ": ", bytes,
                                         " bytes wanted, ", environment_->get_bytes.bytes(), " of ",
                                         environment_->get_bytes.limit_bytes(), " in flight")),
                        kRetryDelay);
}

void BlockStream::GiveBackReserved() {
  std::optional<InFlight::Hold> given_back;
  {
    MutexLock lock(mutex_);
    given_back.swap(reserved_);
  }
}

void BlockStream::WriteDone(bool ok) {
  const int64_t now_ns = environment_->clock.NowNanos();
  {
    MutexLock lock(mutex_);
    inbox_.slow = IsSlow(writing_since_ns_, now_ns);
    inbox_.write_done = true;
    inbox_.broken |= !ok;
    if (ok) MeasureWriteLocked(now_ns);
    writing_since_ns_ = 0;
  }
  Pump();
}

void BlockStream::Cancelled() {
  {
    MutexLock lock(mutex_);
    inbox_.broken = true;
  }
  Pump();
}

void BlockStream::Done() {
  context_.Close();
  const int64_t now_ns = environment_->clock.NowNanos();
  bool broken = false;
  TierRates::Sample dram_sent;
  {
    MutexLock lock(mutex_);
    done_ = true;
    broken = inbox_.broken;
    if (!broken) MeasureWriteLocked(now_ns);  // of the last frame, whose end nothing else tells
    dram_sent = dram_sent_;
  }
  environment_->rates.Add(Tier::kDram, dram_sent, now_ns);
  // Broken off after the last frame was handed to gRPC: not what was meant to be the end.
  if (status_.ok() && broken) status_ = absl::CancelledError("cancelled");
  environment_->counters.CountEnd(method_, status_.code(), now_ns - started_ns_);
  // Reads that are under way may keep the stream a little longer.
  const std::shared_ptr<BlockStream> last = std::move(self_);
}

bool BlockStream::CheckProgress(int64_t now_ns) {
  bool stalled = false;
  bool expired = false;
  bool silent = false;
  bool turned_slow = false;
  const int64_t stalled_ns = absl::ToInt64Nanoseconds(environment_->options.stall_timeout);
  {
    MutexLock lock(mutex_);
    if (done_) return false;
    stalled = writing_since_ns_ != 0 && !inbox_.cut && now_ns - writing_since_ns_ > stalled_ns;
    expired = now_ns > deadline_ns_ && !inbox_.expired;
    inbox_.expired |= expired;
    silent = waiting_since_ns_ != 0 && !inbox_.silent && now_ns - waiting_since_ns_ > stalled_ns;
    inbox_.silent |= silent;
    turned_slow =
        !inbox_.slow && (IsSlow(writing_since_ns_, now_ns) || IsSlow(waiting_since_ns_, now_ns));
    inbox_.slow |= turned_slow;
  }
  if (stalled || silent) {
    environment_->counters.stalled_streams.fetch_add(1, std::memory_order_relaxed);
  } else if (expired) {
    environment_->counters.expired_calls.fetch_add(1, std::memory_order_relaxed);
  }
  if (stalled) context_.Cancel();
  if (!stalled && (expired || silent || turned_slow)) Pump();
  return !stalled;
}

int64_t BlockStream::SendingSinceNanos() {
  MutexLock lock(mutex_);
  return done_ || inbox_.cut ? 0 : writing_since_ns_;
}

void BlockStream::Cut() {
  std::optional<InFlight::Hold> given_back;
  {
    MutexLock lock(mutex_);
    if (done_ || std::exchange(inbox_.cut, true)) return;
    given_back.swap(reserved_);
  }
  given_back.reset();
  environment_->counters.stalled_streams.fetch_add(1, std::memory_order_relaxed);
  context_.Cancel();
  Pump();  // gRPC lets go of its block as soon as it has worked off the cancellation
}

void BlockStream::Pump() {
  // Finish may lead to OnDone on another thread at once.
  const std::shared_ptr<BlockStream> alive = shared_from_this();
  pump_.Run([this] { Step(); });
}

BlockStream::Inbox BlockStream::TakeInbox() {
  MutexLock lock(mutex_);
  Inbox taken = std::exchange(inbox_, {});
  // These stay true.
  inbox_.broken = taken.broken;
  inbox_.expired = taken.expired;
  inbox_.slow = taken.slow;
  inbox_.cut = taken.cut;
  return taken;
}

void BlockStream::Step() {
  Inbox inbox = TakeInbox();
  if (ended_) {
    if (inbox.expired) context_.Cancel();
    GiveBack(inbox);
    return;
  }
  if (failure_.ok()) failure_ = std::move(inbox.failure);
  if (failure_.ok()) failure_ = Listen();
  for (auto& [item, block] : inbox.arrived) window_->Arrived(item, std::move(block));
  HeedAllowance();
  if (inbox.write_done) {
    writing_ = false;
    message_.Clear();
  }
  GiveBack(inbox);
  if (writing_) {
    // What is being written must come back first, well or not.
    if (inbox.expired) context_.Cancel();
    if (!inbox.broken) ReadAhead(inbox);
    return;
  }
  if (std::optional<absl::Status> end = EndOf(inbox)) return End(*std::move(end));
  SetWaiting(allowed_.may_grow && (!window_ || (IsOutOfCredit() && !window_->finished())));
  if (waiting_) return;
  if (std::exchange(has_given_back_, false)) {
    if (absl::Status reserved = Reserve(*plan_); !reserved.ok()) return End(std::move(reserved));
  }
  ReadAhead(inbox);
  SendNext();
}

void BlockStream::HeedAllowance() {
  if (!window_ || allowed_.floor <= window_->floor()) return;
  if (window_->RaiseFloor(allowed_.floor)) offset_ = 0;
  MutexLock lock(mutex_);
  floor_ = allowed_.floor;
}

std::optional<absl::Status> BlockStream::EndOf(const Inbox& inbox) const {
  if (inbox.cut) return absl::CancelledError("cut: the reader was slow and room was needed");
  if (inbox.broken) return absl::CancelledError("cancelled by the caller");
  if (inbox.expired) return DeadlineError();
  if (!failure_.ok()) return failure_;
  if (allowed_.stopped) return absl::OkStatus();
  if (inbox.silent) {
    return absl::DeadlineExceededError(
        absl::StrCat(ToAbsl(RpcMethodName(method_)), ": nothing was heard of the caller for ",
                     absl::FormatDuration(environment_->options.stall_timeout)));
  }
  return std::nullopt;
}

void BlockStream::SetWaiting(bool waiting) {
  if (waiting == waiting_) return;
  waiting_ = waiting;
  const int64_t since_ns = waiting ? environment_->clock.NowNanos() : 0;
  MutexLock lock(mutex_);
  waiting_since_ns_ = since_ns;
}

void BlockStream::GiveBack(const Inbox& inbox) {
  if (!window_ || !(inbox.slow || inbox.cut)) return;
  // What is in gRPC's hands stays: of the block that is sent in part, the window has the rest.
  window_->DropBeyond(writing_ && offset_ == 0 ? 0 : 1);
  read_ahead_.reset();
  // It has no block to send: whoever has takes precedence.
  if (!waiting_) return;
  has_given_back_ = true;
  GiveBackReserved();
}

uint64_t BlockStream::PermittedItems() const {
  const uint64_t begun = offset_ > 0 ? 1 : 0;
  return begun + (allowed_.items - spent_items_);
}

void BlockStream::ReadAhead(const Inbox& inbox) {
  if (inbox.cut || !window_) return;
  if (!read_ahead_ && !inbox.slow) {
    read_ahead_ = environment_->get_bytes.TryHoldSpare(GetWindow::ReadAheadBytes(*plan_));
  }
  GetWindow::Reach reach = GetWindow::Reach::kReadAhead;
  // Without read-ahead, the next block comes when the last one has gone.
  if (!read_ahead_) reach = writing_ ? GetWindow::Reach::kNothing : GetWindow::Reach::kOneBlock;
  const std::vector<size_t> items = window_->Fill(environment_->store, reach, PermittedItems());
  if (items.empty()) return;
  const int64_t asked_ns = environment_->clock.NowNanos();
  absl::Status submitted = environment_->SubmitIo(
      [self = shared_from_this(), items, asked_ns] { self->ReadItems(items, asked_ns); });
  if (submitted.ok()) return;
  {
    MutexLock lock(mutex_);
    inbox_.failure = std::move(submitted);
  }
  Pump();
}

void BlockStream::ReadItems(const std::vector<size_t>& items, int64_t asked_ns) {
  std::vector<size_t> wanted = items;
  {
    MutexLock lock(mutex_);
    if (done_ || inbox_.broken || inbox_.expired) return;  // nobody wants them any more
    std::erase_if(wanted, [&](size_t item) { return plan_->items[item].index < floor_; });
  }
  if (wanted.empty()) return;
  std::vector<BlockAddress> addresses;
  for (const size_t item : wanted) addresses.push_back(plan_->items[item].address);
  const int64_t begun_ns = environment_->clock.NowNanos();
  std::vector<absl::StatusOr<BlockRef>> blocks = environment_->store.Read(addresses);
  const int64_t now_ns = environment_->clock.NowNanos();
  TierRates::Sample read{.busy_ns = now_ns - begun_ns, .queue_ns = begun_ns - asked_ns};
  for (const auto& block : blocks) read.bytes += block.ok() ? block->payload().size() : 0;
  environment_->rates.Add(Tier::kSsd, read, now_ns);
  {
    MutexLock lock(mutex_);
    for (size_t i = 0; i < wanted.size(); ++i) {
      inbox_.arrived.emplace_back(wanted[i], std::move(blocks[i]));
    }
  }
  Pump();
}

void BlockStream::SendNext() {
  if (window_->finished() || IsOutOfCredit()) return End(absl::OkStatus());
  if (window_->empty() || window_->front().pending) return;
  const GetWindow::Slot& slot = window_->front();
  slot.block.ok() ? SendPiece(slot) : SendMiss(slot);
}

void BlockStream::SendMiss(const GetWindow::Slot& slot) {
  const GetPlan::Item& item = plan_->items[slot.item];
  FrameHead head;
  head.index = item.index;
  head.part = item.part;
  head.status = FrameStatusOf(slot.block.status());
  ++spent_items_;
  window_->PopFront();
  // What follows a hole in a prefix is of no use to the reader.
  const bool last = plan_->ascending || window_->finished();
  Write(FrameMessage(EncodeGetResponse(head, 0)), last, 0);
}

void BlockStream::SendPiece(const GetWindow::Slot& slot) {
  const GetPlan::Item& item = plan_->items[slot.item];
  const BlockRef block = *slot.block;
  const absl::Span<const uint8_t> payload = block.payload();
  FrameHead head;
  head.index = item.index;
  head.part = item.part;
  head.offset = offset_;
  if (offset_ == 0) {
    ++spent_items_;
    head.block_bytes = payload.size();
    head.checksum = block.checksum();
  }
  const absl::Span<const uint8_t> piece = payload.subspan(offset_, kFrameBytes);
  offset_ += piece.size();
  const uint64_t dram_bytes = slot.from_ssd ? 0 : piece.size();
  sent_.bytes[static_cast<int>(slot.from_ssd ? Tier::kSsd : Tier::kDram)] += piece.size();
  if (offset_ == payload.size()) {
    offset_ = 0;
    CountBlock(slot);
    window_->PopFront();
  }
  Write(FrameMessage(EncodeGetResponse(head, piece.size()), SliceOf(environment_, block, piece)),
        window_->finished(), dram_bytes);
}

void BlockStream::Write(grpc::ByteBuffer message, bool last, uint64_t dram_bytes) {
  message_ = std::move(message);
  writing_ = true;
  {
    MutexLock lock(mutex_);
    writing_since_ns_ = environment_->clock.NowNanos();
    writing_dram_bytes_ = dram_bytes;
  }
  if (!last) {
    StartFrame(&message_);
    return;
  }
  // With the status in the same write the reader is spared a wake-up. No event tells that it was
  // written.
  ended_ = true;
  window_->Clear();
  read_ahead_.reset();
  Settle();
  StartLastFrame(&message_);
}

void BlockStream::MeasureWriteLocked(int64_t now_ns) {
  // A slow reader tells nothing about the tier.
  if (writing_since_ns_ == 0 || writing_dram_bytes_ == 0 || IsSlow(writing_since_ns_, now_ns)) {
    return;
  }
  dram_sent_.bytes += writing_dram_bytes_;
  dram_sent_.busy_ns += now_ns - writing_since_ns_;
}

void BlockStream::CountBlock(const GetWindow::Slot& slot) {
  ++sent_.blocks[static_cast<int>(slot.from_ssd ? Tier::kSsd : Tier::kDram)];
  const GetPlan::Item& item = plan_->items[slot.item];
  if (item.part + 1 == plan_->parts.first + plan_->parts.count) {
    touched_blocks_ = std::max(touched_blocks_, item.index + 1);
  }
}

void BlockStream::Settle() {
  // A lease has touched its blocks when it was given.
  if (touched_blocks_ > 0 && !plan_->hashes.empty()) {
    environment_->store.Touch(plan_->chain(), touched_blocks_, plan_->parts, plan_->attributes);
  }
  environment_->store.CountGet(plan_->ns, plan_->attributes, sent_);
}

void BlockStream::End(absl::Status status) {
  ended_ = true;
  status_ = std::move(status);
  if (plan_) Settle();  // else it was refused
  if (window_) window_->Clear();
  read_ahead_.reset();
  GiveBackReserved();
  FinishCall(ToGrpcStatus(status_));
}

}  // namespace halflife
