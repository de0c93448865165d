#include "server/shm/commit_call.h"

#include <algorithm>
#include <utility>

#include "common/block_copy.h"
#include "common/endian.h"
#include "common/status.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

// More than this is copied on the I/O executor: a gRPC thread would keep other calls waiting (8 MiB
// take about 1 ms).
constexpr uint64_t kMaxInlineBytes = uint64_t{8} << 20;
// Of a region, in one system call, and hashed while it is in the second-level cache.
constexpr uint64_t kReadPieceBytes = uint64_t{256} << 10;

}  // namespace

void CommitCall::Start(const v1::CommitBlocksRequest& request) {
  for (const LeaseId lease : request.release()) {
    // Gone already is as good.
    static_cast<void>(environment_.store.Release(lease));
  }
  if (const absl::Status prepared = Prepare(request); !prepared.ok()) {
    End(prepared);
  } else if (plan_->items.size() * plan_->block_bytes() <= kMaxInlineBytes) {
    pump_.Run([this] { Step(); });
  } else {
    StepOnIo();
  }
}

absl::Status CommitCall::Prepare(const v1::CommitBlocksRequest& request) {
  HL_ASSIGN_OR_RETURN(plan_, MakePutPlan(environment_.store, request.header().SerializeAsString()));
  if (static_cast<size_t>(request.blocks_size()) != plan_->items.size()) {
    return absl::InvalidArgumentError(absl::StrCat("blocks has ", request.blocks_size(),
                                                   " entries, the header announces ",
                                                   plan_->items.size()));
  }
  for (const v1::StagedBlock& message : request.blocks()) {
    HL_ASSIGN_OR_RETURN(Staged staged, Check(message));
    staged_.push_back(std::move(staged));
  }
  statuses_.assign(plan_->items.size(), static_cast<char>(v1::PUT_STATUS_UNSPECIFIED));
  return absl::OkStatus();
}

absl::StatusOr<CommitCall::Staged> CommitCall::Check(const v1::StagedBlock& message) const {
  const uint64_t staging_bytes = session_->staging().size();
  Staged staged;
  staged.offset = message.offset();
  StoreLe64(staged.checksum.data(), message.checksum_low());
  StoreLe64(staged.checksum.data() + 8, message.checksum_high());
  if (!message.pieces().empty()) {
    HL_ASSIGN_OR_RETURN(staged.place,
                        RegionPlace::Of(*session_, message.pieces(), plan_->block_bytes()));
  } else if (plan_->block_bytes() > staging_bytes ||
             message.offset() > staging_bytes - plan_->block_bytes()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a block of ", plan_->block_bytes(), " bytes at ", message.offset(),
                     " is not within the staging memory of ", staging_bytes));
  }
  return staged;
}

void CommitCall::Step() {
  while (!ended_) {
    if (asked_) {
      std::optional<absl::StatusOr<BlockBuffer>> buffer = TakeArrived();
      if (!buffer) return;  // OnBuffer goes on
      asked_ = false;
      if (!TakeBuffer(*std::move(buffer))) return;
      ++next_item_;
    }
    if (next_item_ == plan_->items.size()) {
      End(absl::OkStatus());
      return;
    }
    asked_ = true;
    {
      MutexLock lock(mutex_);
      stepping_ = true;
    }
    environment_.store.AllocateForPut(
        plan_->ns, plan_->items[next_item_].address,
        [self = shared_from_this()](absl::StatusOr<BlockBuffer> buffer) {
          self->OnBuffer(std::move(buffer));
        });
    MutexLock lock(mutex_);
    stepping_ = false;
    if (!arrived_) return;
  }
}

void CommitCall::OnBuffer(absl::StatusOr<BlockBuffer> buffer) {
  {
    MutexLock lock(mutex_);
    arrived_ = std::move(buffer);
    if (stepping_) return;  // on the stepping thread, or in its sight: it goes on itself
  }
  // Here it is the background's thread, which has other things to do than to copy.
  StepOnIo();
}

void CommitCall::StepOnIo() {
  const auto self = shared_from_this();
  const bool queued = environment_.io.Submit([self] { self->pump_.Run([&] { self->Step(); }); });
  if (queued) return;
  pump_.Run([this] {
    if (!ended_) End(absl::ResourceExhaustedError("I/O queue is full"));
  });
}

std::optional<absl::StatusOr<BlockBuffer>> CommitCall::TakeArrived() {
  MutexLock lock(mutex_);
  return std::exchange(arrived_, std::nullopt);
}

bool CommitCall::TakeBuffer(absl::StatusOr<BlockBuffer> buffer) {
  if (buffer.ok()) return CommitBlock(*std::move(buffer));
  if (absl::IsAlreadyExists(buffer.status())) {
    SetOutcome(PutOutcome::kDuplicate);
    environment_.store.CountPut(plan_->ns, plan_->attributes, PutOutcome::kDuplicate);
    return true;
  }
  const std::optional<PutOutcome> refused = RefusalOf(buffer.status());
  if (!refused) {
    End(buffer.status());
    return false;
  }
  // Blocks behind a hole would be of no use.
  for (; next_item_ < plan_->items.size(); ++next_item_) {
    SetOutcome(*refused);
    environment_.store.CountPut(plan_->ns, plan_->attributes, *refused);
  }
  End(absl::OkStatus());
  return false;
}

bool CommitCall::CommitBlock(BlockBuffer buffer) {
  const PutPlan::Item& planned = plan_->items[next_item_];
  const Staged& staged = staged_[next_item_];
  Xxh3Stream checksum(ChecksumSeed(planned.address.identity));
  if (const absl::Status copied = CopyAndHashTo(buffer, staged, checksum); !copied.ok()) {
    End(copied);
    return false;
  }
  BlockStore::PutBlock block{.address = planned.address,
                             .parent = planned.parent,
                             .depth = planned.depth,
                             .checksum = staged.checksum,
                             .computed = checksum.Finish(),
                             .buffer = std::move(buffer)};
  const PutOutcome outcome =
      environment_.store.Commit(plan_->ns, std::move(block), plan_->attributes);
  SetOutcome(outcome);
  if (outcome != PutOutcome::kRefusedChecksum) return true;
  End(absl::DataLossError(
      absl::StrCat("checksum of block ", planned.index, " part ", planned.part, " does not hold")));
  return false;
}

absl::Status CommitCall::CopyAndHashTo(BlockBuffer& buffer, const Staged& staged,
                                       Xxh3Stream& checksum) const {
  const absl::Span<uint8_t> to = buffer.bytes();
  if (!staged.place) {
    CopyAndHashOnce(to.data(), session_->staging().data() + staged.offset, to.size(), checksum);
    return absl::OkStatus();
  }
  // The copy is this process's own: what is hashed is what was copied.
  for (uint64_t offset = 0; offset < to.size(); offset += kReadPieceBytes) {
    const absl::Span<uint8_t> piece =
        to.subspan(offset, std::min<uint64_t>(to.size() - offset, kReadPieceBytes));
    HL_RETURN_IF_ERROR(staged.place->Read(offset, piece));
    checksum.Update(piece);
  }
  return absl::OkStatus();
}

void CommitCall::SetOutcome(PutOutcome outcome) {
  statuses_[next_item_] = static_cast<char>(PutOutcomeToWire(outcome));
  const bool duplicate =
      outcome == PutOutcome::kDuplicate || outcome == PutOutcome::kDuplicateOtherBytes;
  if (outcome == PutOutcome::kStored) response_.set_stored(response_.stored() + 1);
  if (duplicate) response_.set_duplicates(response_.duplicates() + 1);
}

void CommitCall::End(const absl::Status& status) {
  ended_ = true;
  response_.set_status(statuses_);
  environment_.commits.fetch_add(1, std::memory_order_relaxed);
  environment_.stored_blocks.fetch_add(response_.stored(), std::memory_order_relaxed);
  const Done done = std::move(done_);
  done(status, response_);
}

}  // namespace halflife
