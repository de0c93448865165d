#include "client/src/shm_get.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/src/call_budget.h"
#include "client/src/outcome.h"
#include "client/src/request_messages.h"
#include "client/src/scatter.h"
#include "client/src/shm_call.h"
#include "client/src/shm_region.h"
#include "common/block_copy.h"
#include "common/hashing.h"

namespace halflife::client {
namespace {

// Copied between two looks at the clock: about 0.3 ms.
constexpr uint64_t kMaxPieceBytes = uint64_t{4} << 20;

}  // namespace

std::optional<GetResult> ShmGet::Run() {
  const absl::Duration budget = BudgetOf(core_.options(), request_.budget, request_.items.size(),
                                         ns_->descriptor.block_bytes);
  std::optional<ShmPath::Visit> visit = core_.shm().Enter(budget, *ns_);
  if (!visit) return std::nullopt;
  if (request_.region != nullptr && CopyByDaemon(*visit)) return Finish(Outcome::kOk);
  if (late_) return Finish(Outcome::kTimeout);
  const bool leased = Lease(*visit);
  if (late_) return Finish(Outcome::kTimeout);
  const bool copied = leased && CopyAll(*visit);
  if (leased_.lease_id() != 0) core_.shm().GiveBack(visit->memory(), leased_.lease_id());
  if (late_) return Finish(Outcome::kTimeout);
  if (copied) return Finish(Outcome::kOk);
  Bump(core_.counters().shm_fallbacks);
  request_.budget = std::chrono::microseconds(std::max<int64_t>(1, visit->time_left_ns() / 1000));
  return std::nullopt;
}

bool ShmGet::CopyByDaemon(ShmPath::Visit& visit) {
  RegionState& region = RegionAccess::StateOf(*request_.region);
  const std::optional<uint32_t> name = visit.NameOf(region);
  auto shape = ShapeOf(TransferItems(request_.items, &GetItem::into), ns_->descriptor);
  if (!name || !shape.ok()) return false;
  shape_ = *std::move(shape);
  auto get = GetMessage(request_, *ns_, shape_);
  v1::CopyBlocksRequest message;
  if (!get.ok() || !AddTargets(*name, message)) return false;
  *message.mutable_get() = *std::move(get);
  message.set_session(visit.memory()->session());
  std::shared_ptr<ShmLine> line = visit.TakeLine();
  if (line == nullptr) return false;
  v1::CopyBlocksResponse response;
  const bool sent = line->Send(LineMethod::kCopyBlocks, message);
  const absl::Status status =
      sent ? line->Receive(response, visit.time_left_ns()) : absl::AbortedError("not sent");
  if (absl::IsDeadlineExceeded(status) && !line->usable()) {
    late_ = true;
    settled_ = false;
    region.AwaitEnd(std::move(line));
  } else {
    visit.GiveBackLine(std::move(line));
  }
  if (!status.ok()) {
    visit.Explain(status, *ns_);
    return false;
  }
  visit.Succeeded();
  return TakeCopied(response);
}

bool ShmGet::AddTargets(uint32_t region, v1::CopyBlocksRequest& message) const {
  for (size_t record = 0; record < shape_.items(); ++record) {
    v1::CopyTarget* const target = message.add_targets();
    if (!RegionAccess::StateOf(*request_.region)
             .AddPieces(region, request_.items[ItemOf(record)].into, *target->mutable_pieces())) {
      return false;
    }
  }
  return true;
}

bool ShmGet::TakeCopied(const v1::CopyBlocksResponse& response) {
  if (static_cast<size_t>(response.blocks_size()) != shape_.items()) {
    Bump(core_.counters().identity_mismatches);
    return false;
  }
  for (size_t record = 0; record < shape_.items(); ++record) {
    const size_t item = ItemOf(record);
    const v1::CopiedBlock& block = response.blocks(static_cast<int>(record));
    request_.items[item].outcome = Outcome::kMiss;
    if (block.status() != v1::BLOCK_STATUS_OK) continue;
    if (Holds(block, item)) {
      request_.items[item].outcome = Outcome::kOk;
    } else {
      ++corrupt_blocks_;
    }
  }
  Bump(core_.counters().region_gets);
  return true;
}

// The bytes are read where the daemon has written them.
bool ShmGet::Holds(const v1::CopiedBlock& block, size_t item) const {
  if (!core_.options().verify || core_.options().trust_sealed) return true;
  Xxh3Stream checksum(ChecksumSeed(IdentityOf(*ns_, shape_, request_.group, item)));
  ScatterCursor from(request_.items[item].into);
  from.Next(ns_->descriptor.block_bytes,
            [&](absl::Span<uint8_t> piece) { checksum.Update(piece); });
  return checksum.Finish() == ChecksumOf(block);
}

bool ShmGet::Lease(ShmPath::Visit& visit) {
  auto shape = ShapeOf(TransferItems(request_.items, &GetItem::into), ns_->descriptor);
  if (!shape.ok()) return false;  // who goes by gRPC says why
  shape_ = *std::move(shape);
  auto get = GetMessage(request_, *ns_, shape_);
  if (!get.ok()) return false;
  v1::LeaseBlocksRequest message;
  *message.mutable_get() = *std::move(get);
  const absl::Duration length = absl::Nanoseconds(visit.time_left_ns()) + absl::Milliseconds(10);
  if (!LeaseBlocks(core_.shm(), visit, length, message, leased_, *ns_)) {
    late_ = visit.late();
    return false;
  }
  if (static_cast<size_t>(leased_.blocks_size()) == shape_.items()) return true;
  Bump(core_.counters().identity_mismatches);
  return false;
}

// Position in the caller's items of what the daemon lists at `record`.
size_t ShmGet::ItemOf(size_t record) const {
  if (request_.order == Order::kAscending) return record;
  const size_t parts = shape_.part_count;
  return (shape_.chain.size() - 1 - record / parts) * parts + record % parts;
}

bool ShmGet::CopyAll(const ShmPath::Visit& visit) {
  bool whole = true;
  for (GetItem& item : request_.items) item.outcome = Outcome::kMiss;
  std::vector<Copied> copied(shape_.items(), Copied::kMiss);
  core_.shm().workers().ForEach(shape_.items(), [&](size_t record) {
    copied[record] = Copy(visit, leased_.blocks(static_cast<int>(record)), ItemOf(record));
  });
  for (size_t record = 0; record < shape_.items(); ++record) {
    const size_t item = ItemOf(record);
    switch (copied[record]) {
      case Copied::kOk:
        request_.items[item].outcome = Outcome::kOk;
        break;
      case Copied::kMiss:
        break;
      case Copied::kCorrupt:
        ++corrupt_blocks_;
        break;
      case Copied::kStale:
        whole = false;
        break;
      case Copied::kViolated:
        Bump(core_.counters().identity_mismatches);
        whole = false;
        break;
      case Copied::kLate:
        late_ = true;
        break;
    }
  }
  return whole;
}

ShmGet::Copied ShmGet::Copy(const ShmPath::Visit& visit, const v1::SharedBlock& block,
                            size_t item) const {
  if (block.status() != v1::BLOCK_STATUS_OK) return Copied::kMiss;
  const uint64_t block_bytes = ns_->descriptor.block_bytes;
  const uint8_t* from = visit.memory()->At(block.offset(), block.length());
  if (from == nullptr || block.region() != 0 || block.length() != block_bytes) {
    return Copied::kViolated;
  }
  const bool verify = core_.options().verify && !core_.options().trust_sealed;
  std::optional<Xxh3Stream> checksum;
  if (verify) checksum.emplace(ChecksumSeed(IdentityOf(*ns_, shape_, request_.group, item)));
  ScatterCursor into(request_.items[item].into);
  for (uint64_t done = 0; done < block_bytes;) {
    if (visit.late()) return Copied::kLate;
    const uint64_t length = std::min(block_bytes - done, kMaxPieceBytes);
    into.Next(length, [&](absl::Span<uint8_t> to) {
      if (verify) {
        CopyAndHash(to.data(), from, to.size(), /*past_cache=*/true, *checksum);
      } else {
        CopyPastCache(to.data(), from, to.size());
      }
      from += to.size();
    });
    done += length;
  }
  if (!visit.memory()->Holds(block.offset(), block.generation())) return Copied::kStale;
  if (verify && checksum->Finish() != ChecksumOf(block)) return Copied::kCorrupt;
  return Copied::kOk;
}

GetResult ShmGet::Finish(Outcome outcome) {
  GetResult result;
  result.outcome = outcome;
  result.settled = settled_;
  result.items = std::move(request_.items);
  TallyItems(&result);
  core_.CountEnd(outcome);
  Bump(core_.counters().shm_gets);
  Bump(core_.counters().corrupt_blocks, corrupt_blocks_);
  Bump(core_.counters().get_bytes, result.ok_items * ns_->descriptor.block_bytes);
  return result;
}

}  // namespace halflife::client
