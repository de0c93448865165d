#include "client/src/shm_put.h"

#include <algorithm>
#include <utility>

#include "client/src/outcome.h"
#include "client/src/request_messages.h"
#include "client/src/scatter.h"
#include "client/src/shm_call.h"
#include "client/src/shm_region.h"
#include "common/block_copy.h"
#include "common/status.h"

namespace halflife::client {
namespace {

// A batch is as small as one RPC is worth: what is staged should still be in the shared cache when
// the daemon reads it.
constexpr uint64_t kBatchBytes = uint64_t{2} << 20;
constexpr uint64_t kPageBytes = 4096;
constexpr size_t kBatchesUnderWay = 2;

uint64_t RoundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// Staging memory for as long as it lives.
class StagingHold {
 public:
  StagingHold(ShmPath& path, int64_t deadline_ns)
      : path_(path), held_(path.AcquireStaging(deadline_ns)) {}
  ~StagingHold() {
    if (held_) path_.ReturnStaging();
  }
  StagingHold(const StagingHold&) = delete;
  StagingHold& operator=(const StagingHold&) = delete;
  explicit operator bool() const { return held_; }

 private:
  ShmPath& path_;
  const bool held_;
};

}  // namespace

std::optional<PutResult> ShmPut::Run() {
  const auto own = request_.budget.count() > 0 ? request_.budget : core_.options().put_budget;
  std::optional<ShmPath::Visit> visit = core_.shm().Enter(absl::FromChrono(own), *ns_);
  if (!visit) return std::nullopt;
  auto shape = ShapeOf(TransferItems(request_.items, &PutItem::from), ns_->descriptor);
  if (!shape.ok()) return std::nullopt;  // who goes by gRPC says why
  shape_ = *std::move(shape);
  Went went = Went::kByGrpc;
  region_ = UsableRegion(*visit);
  if (region_) {
    went = PutAll(*visit);
  } else if (!Batches(visit->memory()->staging().size()).empty()) {
    const StagingHold staging(core_.shm(), visit->deadline_ns());
    went = staging ? PutAll(*visit) : Went::kLate;
  }
  if (went != Went::kByGrpc) {
    return Finish(went == Went::kOn     ? Outcome::kOk
                  : went == Went::kLate ? Outcome::kTimeout
                                        : Outcome::kRefused);
  }
  Bump(core_.counters().shm_fallbacks);
  request_.budget = std::chrono::microseconds(std::max<int64_t>(1, visit->time_left_ns() / 1000));
  return std::nullopt;
}

// Empty if not even one block fits.
std::vector<ShmPut::Batch> ShmPut::Batches(uint64_t staging_bytes) const {
  std::vector<Batch> batches;
  const uint64_t stride = RoundUp(ns_->descriptor.block_bytes, kPageBytes) * shape_.part_count;
  const uint64_t room_blocks = staging_bytes / stride;
  if (room_blocks == 0) return batches;
  const uint64_t per_batch =
      std::clamp<uint64_t>(kBatchBytes / stride, 1, std::max<uint64_t>(1, room_blocks / 2));
  for (size_t first = 0; first < shape_.chain.size(); first += per_batch) {
    batches.push_back({first, std::min<size_t>(per_batch, shape_.chain.size() - first)});
  }
  return batches;
}

ShmPut::Went ShmPut::PutAll(ShmPath::Visit& visit) {
  const uint64_t staging_bytes = region_ ? UINT64_MAX : visit.memory()->staging().size();
  const std::vector<Batch> batches = Batches(staging_bytes);
  const uint64_t batch_bytes =
      RoundUp(ns_->descriptor.block_bytes, kPageBytes) * shape_.part_count * batches.front().count;
  // Places for batches in the staging memory; one that is under way keeps its own.
  const size_t places = std::min<uint64_t>(kBatchesUnderWay, staging_bytes / batch_bytes);
  for (PutItem& item : request_.items) {
    item.outcome = Outcome::kRefused;
    item.duplicate = false;
  }
  ShmCommits commits(visit);
  size_t settled = 0;
  Went went = Went::kOn;
  for (size_t i = 0; i < batches.size() && went == Went::kOn && !no_room_; ++i) {
    if (commits.under_way() == places) went = Settle(visit, batches[settled++], commits.Wait());
    if (went != Went::kOn || no_room_) break;
    v1::CommitBlocksRequest message;
    auto header = HeaderOf(batches[i]);
    if (!header.ok()) return Went::kByGrpc;
    *message.mutable_header() = *std::move(header);
    message.set_session(visit.memory()->session());
    if (i == 0) {
      const std::vector<uint64_t> returned = core_.shm().TakeReturned(visit.memory());
      message.mutable_release()->Add(returned.begin(), returned.end());
    }
    if (!Stage(visit, batches[i], (i % places) * batch_bytes, message)) return Went::kLate;
    if (!commits.Start(message)) return Went::kByGrpc;
  }
  while (went == Went::kOn && commits.under_way() > 0) {
    went = Settle(visit, batches[settled++], commits.Wait());
  }
  return went;
}

absl::StatusOr<v1::PutHeader> ShmPut::HeaderOf(const Batch& batch) const {
  PutRequest part;
  part.first_depth = request_.first_depth + static_cast<uint32_t>(batch.first);
  part.group = request_.group;
  part.attributes = request_.attributes;
  part.parent = batch.first == 0 ? request_.parent : &shape_.chain[batch.first - 1].bytes;
  const TransferShape shape{
      .chain = {shape_.chain.begin() + static_cast<ptrdiff_t>(batch.first),
                shape_.chain.begin() + static_cast<ptrdiff_t>(batch.first + batch.count)},
      .part_first = shape_.part_first,
      .part_count = shape_.part_count};
  return PutHeaderMessage(part, *ns_, shape);
}

bool ShmPut::Stage(const ShmPath::Visit& visit, const Batch& batch, uint64_t staging_offset,
                   v1::CommitBlocksRequest& message) {
  const uint64_t stride = RoundUp(ns_->descriptor.block_bytes, kPageBytes);
  const size_t first_item = batch.first * shape_.part_count;
  for (size_t i = 0; i < batch.count * shape_.part_count; ++i) {
    if (visit.late()) return false;
    v1::StagedBlock* const staged = message.add_blocks();
    staged->set_offset(region_ ? 0 : staging_offset + i * stride);
    SetChecksum(StageOne(visit, first_item + i, *staged), *staged);
  }
  return true;
}

Digest128 ShmPut::StageOne(const ShmPath::Visit& visit, size_t item, v1::StagedBlock& staged) {
  const View<Segment> segments = request_.items[item].from;
  Xxh3Stream checksum(ChecksumSeed(IdentityOf(*ns_, shape_, request_.group, item)));
  ScatterCursor from(segments);
  if (region_) {
    // Checked by UsableRegion.
    RegionAccess::StateOf(*request_.region).AddPieces(*region_, segments, *staged.mutable_pieces());
    from.Next(ns_->descriptor.block_bytes,
              [&](absl::Span<uint8_t> piece) { checksum.Update(piece); });
    return checksum.Finish();
  }
  uint8_t* to = visit.memory()->staging().data() + staged.offset();
  from.Next(ns_->descriptor.block_bytes, [&](absl::Span<uint8_t> piece) {
    CopyAndHash(to, piece.data(), piece.size(), /*past_cache=*/false, checksum);
    to += piece.size();
  });
  return checksum.Finish();
}

std::optional<uint32_t> ShmPut::UsableRegion(ShmPath::Visit& visit) const {
  if (request_.region == nullptr) return std::nullopt;
  RegionState& region = RegionAccess::StateOf(*request_.region);
  const std::optional<uint32_t> name = visit.NameOf(region);
  if (!name) return std::nullopt;
  google::protobuf::RepeatedPtrField<v1::RegionPiece> pieces;
  for (const PutItem& item : request_.items) {
    pieces.Clear();
    if (!region.AddPieces(*name, item.from, pieces)) return std::nullopt;
  }
  return name;
}

ShmPut::Went ShmPut::Settle(ShmPath::Visit& visit, const Batch& batch,
                            const ShmCommits::Answer& answer) {
  if (absl::IsDataLoss(answer.status)) return Went::kRefused;
  if (!answer.status.ok()) return visit.Explain(answer.status, *ns_) ? Went::kByGrpc : Went::kLate;
  visit.Succeeded();
  const size_t items = batch.count * shape_.part_count;
  if (answer.response.status().size() != items) {
    Bump(core_.counters().identity_mismatches);
    return Went::kByGrpc;
  }
  for (size_t i = 0; i < items; ++i) {
    PutItem& item = request_.items[batch.first * shape_.part_count + i];
    const int status = static_cast<unsigned char>(answer.response.status()[i]);
    item.duplicate =
        status == v1::PUT_STATUS_DUPLICATE || status == v1::PUT_STATUS_DUPLICATE_OTHER_BYTES;
    const bool ok = item.duplicate || status == v1::PUT_STATUS_STORED;
    item.outcome = ok ? Outcome::kOk : Outcome::kRefused;
    // Blocks behind a hole would be of no use.
    no_room_ = no_room_ || status == v1::PUT_STATUS_NO_ROOM ||
               status == v1::PUT_STATUS_NOT_ADMITTED || status == v1::PUT_STATUS_OVER_QUOTA;
  }
  return Went::kOn;
}

PutResult ShmPut::Finish(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  result.items = std::move(request_.items);
  TallyItems(&result);
  core_.CountEnd(outcome);
  Bump(core_.counters().shm_puts);
  if (region_) Bump(core_.counters().region_puts);
  Bump(core_.counters().put_bytes, result.stored * ns_->descriptor.block_bytes);
  return result;
}

}  // namespace halflife::client
