#include "server/admin/admin_service.h"

#include <numeric>

#include "absl/strings/match.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "proto/wire/grpc_status.h"
#include "proto/wire/limit_check.h"
#include "server/admin/insight_wire.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

uint64_t Sum(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

bool IsOnUnixSocket(const grpc::CallbackServerContext& context) {
  return absl::StartsWith(context.peer(), "unix");
}

grpc::ServerUnaryReactor* Refuse(grpc::CallbackServerContext* context, const char* reason) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, reason));
  return reactor;
}

grpc::ServerUnaryReactor* Fail(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

// A stream that says no.
class RefusedStream final : public grpc::ServerWriteReactor<v1::ExportRequestsResponse> {
 public:
  explicit RefusedStream(const char* reason) {
    Finish(grpc::Status(grpc::StatusCode::PERMISSION_DENIED, reason));
  }
  void OnDone() override { delete this; }
};

struct BlocksToExplain {
  NamespaceRef ns;
  absl::Span<const BlockHash> hashes;
  uint32_t group = 0;
  uint16_t part = 0;
};

absl::StatusOr<BlocksToExplain> BlocksToExplainOf(const BlockStore& store,
                                                  const v1::ExplainRequest& request) {
  BlocksToExplain blocks;
  HL_ASSIGN_OR_RETURN(blocks.ns, FindNamespaceOf(store, request.namespace_id()));
  HL_ASSIGN_OR_RETURN(blocks.hashes, UnpackHashes("hashes", request.hashes()));
  HL_RETURN_IF_ERROR(CheckAtLeast("hashes", blocks.hashes.size(), 1));
  HL_RETURN_IF_ERROR(
      CheckAtMost("hashes", blocks.hashes.size(), AdminService::kMaxExplainedBlocks));
  HL_RETURN_IF_ERROR(CheckAtMost("group", request.group(), kMaxGroups - 1));
  HL_RETURN_IF_ERROR(CheckAtMost("part", request.part(), blocks.ns->descriptor.parts - 1));
  blocks.group = request.group();
  blocks.part = static_cast<uint16_t>(request.part());
  return blocks;
}

void FillTier(v1::Tier tier, const StoreStats& store, v1::TierUsage* usage) {
  const size_t index = tier == v1::TIER_DRAM ? 0 : 1;
  usage->set_tier(tier);
  usage->set_capacity_bytes(index == 0 ? store.dram.budget_bytes : store.ssd.quota_bytes);
  usage->set_used_bytes(index == 0 ? store.dram.allocated_bytes : store.ssd.used_bytes);
  usage->set_blocks(store.resident_blocks[index]);
  usage->set_block_bytes(store.resident_bytes[index]);
  usage->set_evicted_blocks(
      store.evicted_blocks[index][static_cast<size_t>(EvictReason::kCapacity)]);
}

void FillCategory(const CategoryStats& stats, v1::CategoryUsage* usage) {
  usage->set_name(stats.name);
  usage->set_lookups(stats.lookups_full + stats.lookups_partial + stats.lookups_miss);
  usage->set_lookup_blocks(Sum(stats.lookup_blocks_hit) + Sum(stats.lookup_blocks_missed));
  usage->set_dram_hit_blocks(stats.lookup_blocks_hit[0]);
  usage->set_ssd_hit_blocks(stats.lookup_blocks_hit[1]);
  usage->set_stored_blocks(stats.put_blocks[static_cast<size_t>(PutOutcome::kStored)]);
}

void FillStats(const NodeFacts& facts, v1::GetStatsResponse* response) {
  const StoreStats& store = facts.store;
  response->set_version(VersionText(facts.build));
  response->set_uptime_seconds(facts.uptime_s);
  FillTier(v1::TIER_DRAM, store, response->add_tiers());
  if (store.has_ssd) FillTier(v1::TIER_SSD, store, response->add_tiers());
  for (const CategoryStats& category : store.categories)
    FillCategory(category, response->add_categories());
  response->set_demoted_blocks(store.demoted_blocks);
  response->set_promoted_blocks(store.promoted_blocks);
  response->set_leases(store.leases);
  response->set_leased_bytes(store.leased_bytes);
  response->set_resident_memory_bytes(facts.process.resident_bytes);
  uint64_t corrupt = 0;
  for (const auto& tier : store.evicted_blocks)
    corrupt += tier[static_cast<size_t>(EvictReason::kCorrupt)];
  response->set_corrupt_blocks(corrupt);
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::RunOnIo(grpc::CallbackServerContext* context,
                                                std::function<void()> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const bool queued = parts_.io->Submit([reactor, work = std::move(work)] {
    work();
    reactor->Finish(grpc::Status::OK);
  });
  if (!queued)
    reactor->Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the I/O queue is full"));
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetStats(grpc::CallbackServerContext* context,
                                                 const v1::GetStatsRequest*,
                                                 v1::GetStatsResponse* response) {
  return RunOnIo(context, [this, response] { FillStats(parts_.collect(), response); });
}

grpc::ServerUnaryReactor* AdminService::ListNamespaces(grpc::CallbackServerContext* context,
                                                       const v1::ListNamespacesRequest*,
                                                       v1::ListNamespacesResponse* response) {
  for (const NamespaceRef& ns : parts_.store->Namespaces()) {
    v1::NamespaceUsage* usage = response->add_namespaces();
    usage->set_namespace_id(std::string(NamespaceIdToWire(ns->id)));
    *usage->mutable_namespace_descriptor() = DescriptorToWire(ns->descriptor);
    if (const auto use = parts_.store->UseUnderLimit(ns)) {
      v1::NamespaceLimitUse* limit = usage->mutable_limit();
      limit->set_name(use->limit.name);
      limit->set_dram_bytes(use->bytes);
      limit->set_used_bytes(use->limit.used_bytes);
      limit->set_min_bytes(use->limit.min_bytes);
      limit->set_max_bytes(use->limit.max_bytes);
    }
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::GetConfig(grpc::CallbackServerContext* context,
                                                  const v1::GetConfigRequest*,
                                                  v1::GetConfigResponse* response) {
  return RunOnIo(context, [this, response] { response->set_yaml(parts_.collect().config_yaml); });
}

grpc::ServerUnaryReactor* AdminService::Drain(grpc::CallbackServerContext* context,
                                              const v1::DrainRequest*, v1::DrainResponse*) {
  if (!IsOnUnixSocket(*context)) return Refuse(context, "Drain is allowed on the Unix socket only");
  parts_.request_drain();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::CheckConservation(grpc::CallbackServerContext* context,
                                                          const v1::CheckConservationRequest*,
                                                          v1::CheckConservationResponse* response) {
  if (!IsOnUnixSocket(*context))
    return Refuse(context, "CheckConservation is allowed on the Unix socket only");
  return RunOnIo(context, [this, response] {
    parts_.store->Quiesce();
    response->set_difference(parts_.store->CheckConservation());
  });
}

grpc::ServerUnaryReactor* AdminService::GetModel(grpc::CallbackServerContext* context,
                                                 const v1::GetModelRequest* request,
                                                 v1::GetModelResponse* response) {
  return RunOnIo(context, [this, request, response] {
    if (request->refresh()) parts_.store->RefreshReport();
    ModelToWire(parts_.collect(), Clock::Real().NowNanos(), response);
  });
}

grpc::ServerUnaryReactor* AdminService::Explain(grpc::CallbackServerContext* context,
                                                const v1::ExplainRequest* request,
                                                v1::ExplainResponse* response) {
  if (!IsOnUnixSocket(*context))
    return Refuse(context, "Explain is allowed on the Unix socket only");
  // `hashes` are a view into the request, which lives as long as the call.
  const absl::StatusOr<BlocksToExplain> blocks = BlocksToExplainOf(*parts_.store, *request);
  if (!blocks.ok()) return Fail(context, blocks.status());
  return RunOnIo(context, [this, blocks = *blocks, response] {
    const CategoryNamesByNumber names = parts_.store->CategoryNames();
    for (const BlockExplanation& explained :
         parts_.store->Explain(blocks.ns, blocks.hashes, blocks.group, blocks.part)) {
      ExplanationToWire(explained, names, response->add_blocks());
    }
  });
}

grpc::ServerUnaryReactor* AdminService::ListMisses(grpc::CallbackServerContext* context,
                                                   const v1::ListMissesRequest* request,
                                                   v1::ListMissesResponse* response) {
  if (!IsOnUnixSocket(*context))
    return Refuse(context, "ListMisses is allowed on the Unix socket only");
  const absl::Status checked = CheckAtMost("limit", request->limit(), MissLog::kMaxMisses);
  if (!checked.ok()) return Fail(context, checked);
  const uint32_t limit = request->limit() == 0 ? kDefaultMisses : request->limit();
  return RunOnIo(context, [this, limit, response] {
    const CategoryNamesByNumber names = parts_.store->CategoryNames();
    const int64_t now_ns = Clock::Real().NowNanos();
    for (const RecentMiss& miss : parts_.store->RecentMisses(limit)) {
      MissToWire(miss, now_ns, names, response->add_misses());
    }
  });
}

grpc::ServerWriteReactor<v1::ExportRequestsResponse>* AdminService::ExportRequests(
    grpc::CallbackServerContext* context, const v1::ExportRequestsRequest*) {
  if (!IsOnUnixSocket(*context)) {
    return new RefusedStream("ExportRequests is allowed on the Unix socket only");
  }
  const StoreStats stats = parts_.store->stats();
  const uint64_t ssd_bytes = stats.has_ssd ? stats.ssd.quota_bytes : 0;
  return new SampleStream(*parts_.store, stats.dram.budget_bytes + ssd_bytes, exports_);
}

}  // namespace halflife
