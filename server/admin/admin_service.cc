#include "server/admin/admin_service.h"

#include <numeric>

#include "absl/strings/match.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"

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

}  // namespace halflife
