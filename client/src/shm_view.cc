#include "client/src/shm_view.h"

#include <utility>

#include "client/src/request_messages.h"
#include "client/src/shm_call.h"
#include "client/src/shm_path.h"
#include "common/block/block_id.h"
#include "common/limits.h"

namespace halflife::client {
namespace {

uint32_t PartCountOf(const ViewRequest& request, const NamespaceState& ns) {
  return request.part_count > 0 ? request.part_count : ns.descriptor.parts - request.part_first;
}

TransferShape ShapeOf(const ViewRequest& request, const NamespaceState& ns) {
  TransferShape shape;
  for (const Hash& hash : request.chain) shape.chain.push_back({hash});
  shape.part_first = request.part_first;
  shape.part_count = static_cast<uint16_t>(PartCountOf(request, ns));
  return shape;
}

GetRequest MetaOf(const ViewRequest& request) {
  GetRequest get;
  get.ns = request.ns;
  get.first_depth = request.first_depth;
  get.group = request.group;
  get.attributes = request.attributes;
  get.budget = request.budget;
  return get;
}

}  // namespace

bool AreViewable(const ViewRequest& request, const NamespaceState& ns) {
  return request.chain.size > 0 && request.part_first < ns.descriptor.parts &&
         PartCountOf(request, ns) <= ns.descriptor.parts - request.part_first &&
         request.chain.size <= kMaxTransferBlocks / PartCountOf(request, ns);
}

BlockView::Source::~Source() {
  const std::shared_ptr<ClientCore> living = core.lock();
  if (lease != 0 && living != nullptr && !living->forked()) living->shm().GiveBack(memory, lease);
}

bool BlockView::in_place() const { return source_ != nullptr && source_->memory != nullptr; }

bool BlockView::intact() const {
  if (source_ == nullptr) return false;
  return source_->memory == nullptr || source_->memory->Holds(offset_, generation_);
}

// Has access to what a view is made of.
class ViewBuilder {
 public:
  explicit ViewBuilder(std::shared_ptr<const BlockView::Source> source)
      : source_(std::move(source)) {}

  BlockView At(const uint8_t* data, size_t size, uint64_t offset, uint64_t generation) const {
    BlockView view;
    view.source_ = source_;
    view.data_ = data;
    view.size_ = size;
    view.offset_ = offset;
    view.generation_ = generation;
    return view;
  }

 private:
  const std::shared_ptr<const BlockView::Source> source_;
};

std::optional<ViewResult> ViewInPlace(const std::shared_ptr<ClientCore>& core,
                                      const ViewRequest& request,
                                      const std::shared_ptr<NamespaceState>& ns) {
  const auto budget = request.budget.count() > 0 ? request.budget : core->options().get_budget;
  auto visit = core->shm().Enter(absl::FromChrono(budget), *ns);
  if (!visit) return std::nullopt;
  const TransferShape shape = ShapeOf(request, *ns);
  auto get = GetMessage(MetaOf(request), *ns, shape);
  if (!get.ok()) return std::nullopt;
  v1::LeaseBlocksRequest message;
  *message.mutable_get() = *std::move(get);
  v1::LeaseBlocksResponse leased;
  if (!LeaseBlocks(core->shm(), *visit, absl::FromChrono(request.lease), message, leased, *ns)) {
    if (!visit->late()) return std::nullopt;
    ViewResult late;
    late.outcome = Outcome::kTimeout;
    return late;
  }
  auto source = std::make_shared<BlockView::Source>();
  source->memory = visit->memory();
  source->lease = leased.lease_id();
  source->core = core;
  if (static_cast<size_t>(leased.blocks_size()) != shape.items()) return std::nullopt;
  const ViewBuilder builder(source);
  ViewResult result;
  result.outcome = Outcome::kOk;
  for (size_t i = 0; i < shape.items(); ++i) {
    const v1::SharedBlock& block = leased.blocks(static_cast<int>(i));
    BlockView& view = result.views.emplace_back();
    if (block.status() != v1::BLOCK_STATUS_OK) continue;
    const uint8_t* const data = source->memory->At(block.offset(), block.length());
    const bool plausible = data != nullptr && block.length() == ns->descriptor.block_bytes;
    const bool holds = plausible && (!request.verify ||
                                     PayloadChecksum(IdentityOf(*ns, shape, request.group, i),
                                                     {data, block.length()}) == ChecksumOf(block));
    if (!holds) {
      Bump(plausible ? core->counters().corrupt_blocks : core->counters().identity_mismatches);
      continue;
    }
    if (result.prefix_views == i) ++result.prefix_views;
    view = builder.At(data, block.length(), block.offset(), block.generation());
  }
  Bump(core->counters().shm_gets);
  return result;
}

GetRequest GetInsteadOfView(const ViewRequest& request, const NamespaceState& ns,
                            BlockView::Source& source, std::vector<Segment>& segments) {
  GetRequest get = MetaOf(request);
  const uint64_t block_bytes = ns.descriptor.block_bytes;
  const uint32_t parts = PartCountOf(request, ns);
  segments.resize(request.chain.size * parts);
  source.owned = std::make_unique_for_overwrite<uint8_t[]>(segments.size() * block_bytes);
  uint8_t* const memory = source.owned.get();
  for (size_t i = 0; i < segments.size(); ++i) {
    segments[i] = {memory + i * block_bytes, block_bytes};
    GetItem item;
    item.hash = request.chain[i / parts];
    item.part = static_cast<uint16_t>(request.part_first + i % parts);
    item.into = {&segments[i], 1};
    get.items.push_back(item);
  }
  return get;
}

ViewResult ViewsOf(const GetResult& result, std::shared_ptr<const BlockView::Source> source,
                   uint64_t block_bytes) {
  ViewResult views;
  views.outcome = result.outcome;
  views.prefix_views = result.prefix_items;
  views.error = result.error;
  const uint8_t* data = source->owned.get();
  const ViewBuilder builder(std::move(source));
  for (const GetItem& item : result.items) {
    views.views.push_back(item.outcome == Outcome::kOk ? builder.At(data, block_bytes, 0, 0)
                                                       : BlockView());
    data += block_bytes;
  }
  return views;
}

}  // namespace halflife::client
