// The model, blocks, misses and sampled requests of a node, as AdminService, metrics and the status
// page tell them.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "common/block/block_id.h"
#include "common/hashing.h"
#include "halflife/v1/admin.grpc.pb.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "server/admin/insight_wire.h"
#include "server/node.h"
#include "tests/server/node/http_get.h"
#include "tests/server/node/promtool.h"
#include "tests/server/node/sample_facts.h"
#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kBlockBytes = 64 << 10;

// A node of 64 MiB DRAM with one open namespace, spoken to over its Unix socket.
class NodeInsight : public ::testing::Test {
 protected:
  void SetUp() override {
    ConfigSources sources;
    sources.flags = {{"server.unix_socket", scratch_ / "h.sock"},
                     {"server.tcp_listen", "127.0.0.1:0"},
                     {"storage.dram.budget", "64MiB"},
                     {"admin.listen", "127.0.0.1:0"}};
    auto config = ResolveConfig(sources);
    ASSERT_TRUE(config.ok()) << config.status();
    auto node = Node::Start({.config = *std::move(config), .request_stop = [] {}});
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
    const auto channel =
        grpc::CreateChannel("unix:" + (scratch_ / "h.sock"), grpc::InsecureChannelCredentials());
    admin_ = v1::AdminService::NewStub(channel);
    cache_ = v1::CacheService::NewStub(channel);
    descriptor_.engine = "vllm";
    descriptor_.model_name = "a model";
    descriptor_.tokens_per_block = 16;
    descriptor_.block_bytes = kBlockBytes;
    v1::OpenNamespaceRequest open;
    *open.mutable_namespace_descriptor() = DescriptorToWire(descriptor_);
    v1::OpenNamespaceResponse opened;
    ASSERT_TRUE(Call(&v1::CacheService::Stub::OpenNamespace, open, &opened, *cache_).ok());
    id_ = std::string(NamespaceIdToWire(descriptor_.Id()));
  }

  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response, Stub& stub) {
    grpc::ClientContext context;
    return (stub.*method)(&context, request, response);
  }
  template <typename Request, typename Response>
  Response Ask(grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
               const Request& request) {
    Response response;
    const grpc::Status status = Call(method, request, &response, *admin_);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  static std::string HashOf(const std::string& name) {
    const Digest256 digest = Sha256Of(name);
    return std::string(AsText(digest));
  }
  v1::LookupResponse Lookup(const std::vector<std::string>& names) {
    v1::LookupRequest request;
    request.set_namespace_id(id_);
    for (const auto& name : names) *request.mutable_chain()->mutable_hashes() += HashOf(name);
    request.mutable_attributes()->set_app("chat");
    request.mutable_attributes()->set_turn(1);
    v1::LookupResponse response;
    const grpc::Status status = Call(&v1::CacheService::Stub::Lookup, request, &response, *cache_);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void Put(const std::string& name) {
    const BlockIdentity identity{descriptor_.Id(), BlockHash{Sha256Of(name)}, 0, 0};
    const std::string payload(kBlockBytes, 'x');
    grpc::ClientContext context;
    v1::PutRequest header, frame;
    header.mutable_header()->set_namespace_id(id_);
    header.mutable_header()->mutable_chain()->set_hashes(HashOf(name));
    header.mutable_header()->mutable_attributes()->set_app("chat");
    header.mutable_header()->mutable_attributes()->set_turn(1);
    frame.mutable_frame()->set_block_bytes(kBlockBytes);
    frame.mutable_frame()->set_checksum(
        std::string(AsText(PayloadChecksum(identity, AsBytes(payload)))));
    frame.mutable_frame()->set_payload(payload);
    v1::PutResponse response;
    const auto writer = cache_->Put(&context, &response);
    writer->Write(header);
    writer->Write(frame);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::GetModelResponse Model() {
    v1::GetModelRequest request;
    request.set_refresh(true);
    return Ask(&v1::AdminService::Stub::GetModel, request);
  }
  v1::ExplainRequest Question(const std::string& name) const {
    v1::ExplainRequest request;
    request.set_namespace_id(id_);
    request.set_hashes(HashOf(name));
    return request;
  }
  v1::BlockExplanation Explain(const std::string& name) {
    return Ask(&v1::AdminService::Stub::Explain, Question(name)).blocks(0);
  }
  // Waits for nothing: a refresh comes after a whole background step has seen what was queued.
  void ServeTwice(const std::string& name) {
    Lookup({name});
    Put(name);
    Lookup({name});
  }
  v1::GetModelResponse ModelWithLookups(uint64_t blocks) {
    v1::GetModelResponse model = Model();
    for (int i = 0; i < 1000 && model.ceilings().lookup_blocks() < blocks; ++i) model = Model();
    return model;
  }

  Scratch scratch_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<v1::CacheService::Stub> cache_;
  NamespaceDescriptor descriptor_;
  std::string id_;
};

TEST_F(NodeInsight, TheModelTellsCeilingsAndTiers) {
  EXPECT_EQ(Model().ceilings().lookup_blocks(), 0u);
  ServeTwice("a");

  const v1::GetModelResponse model = ModelWithLookups(2);

  EXPECT_EQ(model.policy(), "model");
  EXPECT_EQ(model.state(), v1::MODEL_STATE_CALIBRATING);
  EXPECT_GT(model.model_memory_bytes(), 0u);
  EXPECT_EQ(model.ceilings().lookup_blocks(), 2u);
  EXPECT_EQ(model.ceilings().sample_rate(), 1);
  EXPECT_EQ(model.ceilings().hit_ratio(), 0.5);
  EXPECT_EQ(model.ceilings().infinite_hit_ratio(), 0.5);
  EXPECT_EQ(model.ceilings().optimal_hit_ratio(), 0.5);
  EXPECT_EQ(model.ceilings().lost_to_compulsory_ratio(), 0.5);
  EXPECT_EQ(model.ceilings().capacity_blocks(), (64u << 20) / kBlockBytes);
  ASSERT_EQ(model.tiers_size(), 1);
  EXPECT_EQ(model.tiers(0).tier(), v1::TIER_DRAM);
  EXPECT_FALSE(model.tiers(0).has_price()) << "nothing had to go";
  EXPECT_LT(model.age_seconds(), 60);
  EXPECT_GT(model.sample_memory_bytes(), 0u);
}

TEST_F(NodeInsight, MetricsAndStatusPageTellTheSame) {
  ServeTwice("a");
  ModelWithLookups(2);

  const std::string page = GetHttp(node_->admin_port(), "/metrics").body;
  const std::string status = GetHttp(node_->admin_port(), "/statusz").body;

  EXPECT_THAT(page, HasSubstr("halflife_infinite_hit_ratio 0.5\n"));
  EXPECT_THAT(page, HasSubstr("halflife_optimal_hit_ratio 0.5\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lost_hit_ratio{cause=\"compulsory\"} 0.5\n"));
  EXPECT_THAT(page, HasSubstr("halflife_policy_model_state{state=\"calibrating\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("halflife_policy_model_leads{tier=\"dram\"} 0\n"));
  EXPECT_THAT(status, HasSubstr("Residency: model"));
  EXPECT_THAT(status, HasSubstr("<b>calibrating</b>"));
  EXPECT_THAT(status, HasSubstr("hit by a cache without a limit"));
  if (!HavePromtool()) GTEST_SKIP() << "no promtool: install the package prometheus";
  EXPECT_EQ(PromtoolComplaints(page), "");
}

TEST_F(NodeInsight, ABlockIsExplainedWhereItIsAndWhereItIsNot) {
  ServeTwice("here");

  const v1::BlockExplanation here = Explain("here");
  const v1::BlockExplanation never = Explain("never");

  EXPECT_TRUE(here.in_dram());
  EXPECT_FALSE(here.on_ssd());
  EXPECT_EQ(here.hash(), HashOf("here"));
  EXPECT_EQ(here.bytes(), kBlockBytes);
  EXPECT_EQ(here.category(), "chat/1");
  EXPECT_TRUE(here.first());
  EXPECT_EQ(here.missing(), v1::MISS_REASON_UNSPECIFIED);
  EXPECT_FALSE(never.in_dram());
  EXPECT_EQ(never.missing(), v1::MISS_REASON_NEVER_SEEN);
  EXPECT_FALSE(never.has_standing());
}

TEST_F(NodeInsight, MissesAreListedWithTheirReasons) {
  ServeTwice("a");
  Lookup({"a", "b", "c"});

  const auto misses =
      Ask(&v1::AdminService::Stub::ListMisses, v1::ListMissesRequest::default_instance());

  ASSERT_EQ(misses.misses_size(), 2);
  EXPECT_EQ(misses.misses(0).hash(), HashOf("b"));
  EXPECT_EQ(misses.misses(0).namespace_id(), id_);
  EXPECT_EQ(misses.misses(0).hit_blocks(), 1u);
  EXPECT_EQ(misses.misses(0).missed_blocks(), 2u);
  EXPECT_EQ(misses.misses(0).category(), "chat/1");
  EXPECT_EQ(misses.misses(0).reason(), v1::MISS_REASON_NEVER_SEEN);
  v1::ListMissesRequest one;
  one.set_limit(1);
  EXPECT_EQ(Ask(&v1::AdminService::Stub::ListMisses, one).misses_size(), 1);
}

TEST_F(NodeInsight, TheSampledRequestsAreStreamed) {
  ServeTwice("a");
  ModelWithLookups(2);
  grpc::ClientContext context;
  const auto reader = admin_->ExportRequests(&context, v1::ExportRequestsRequest());

  v1::ExportRequestsResponse message;
  ASSERT_TRUE(reader->Read(&message));

  EXPECT_EQ(message.sample_rate(), 1);
  EXPECT_EQ(message.lookup_blocks(), 2u);
  EXPECT_EQ(message.hit_blocks(), 1u);
  EXPECT_EQ(message.block_bytes(), kBlockBytes);
  EXPECT_EQ(message.capacity_bytes(), uint64_t{64} << 20);
  ASSERT_EQ(message.requests_size(), 2);
  EXPECT_EQ(message.categories(static_cast<int>(message.requests(0).category())), "chat/1");
  EXPECT_EQ(message.requests(0).blocks(0), message.requests(1).blocks(0));
  EXPECT_EQ(message.requests(0).block_tokens(), 16u);
  EXPECT_FALSE(reader->Read(&message));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(NodeInsight, WhatIsMalformedOrTooMuchIsRefused) {
  v1::ExplainRequest unknown = Question("a");
  unknown.set_namespace_id(std::string(32, 'x'));
  v1::ExplainRequest none = Question("a");
  none.clear_hashes();
  v1::ExplainRequest odd = Question("a");
  odd.mutable_hashes()->pop_back();
  v1::ExplainRequest group = Question("a");
  group.set_group(64);
  v1::ExplainRequest part = Question("a");
  part.set_part(1);
  v1::ExplainRequest most = Question("a");
  for (int i = 1; i < 128; ++i) *most.mutable_hashes() += HashOf(std::to_string(i));
  v1::ExplainRequest more = most;
  *more.mutable_hashes() += HashOf("more");
  v1::ListMissesRequest misses;
  misses.set_limit(1025);
  v1::ExplainResponse explained;
  v1::ListMissesResponse listed;
  const auto code_of = [&](const v1::ExplainRequest& request) {
    return Call(&v1::AdminService::Stub::Explain, request, &explained, *admin_).error_code();
  };

  EXPECT_EQ(code_of(unknown), grpc::StatusCode::FAILED_PRECONDITION);
  for (const auto& request : {none, odd, group, part, more}) {
    EXPECT_EQ(code_of(request), grpc::StatusCode::INVALID_ARGUMENT) << request.DebugString();
  }
  EXPECT_EQ(code_of(most), grpc::StatusCode::OK);
  EXPECT_EQ(explained.blocks_size(), 128);
  EXPECT_EQ(Call(&v1::AdminService::Stub::ListMisses, misses, &listed, *admin_).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NodeInsight, WhatTellsAboutRequestsIsForTheUnixSocketOnly) {
  const auto by_tcp = v1::AdminService::NewStub(grpc::CreateChannel(
      "127.0.0.1:" + std::to_string(node_->tcp_port()), grpc::InsecureChannelCredentials()));
  v1::ExplainResponse explained;
  v1::ListMissesResponse misses;
  v1::GetModelResponse model;
  v1::ExportRequestsResponse exported;
  grpc::ClientContext context;
  const auto reader = by_tcp->ExportRequests(&context, v1::ExportRequestsRequest());

  EXPECT_FALSE(reader->Read(&exported));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call(&v1::AdminService::Stub::Explain, Question("a"), &explained, *by_tcp).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call(&v1::AdminService::Stub::ListMisses, v1::ListMissesRequest(), &misses, *by_tcp)
                .error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_TRUE(Call(&v1::AdminService::Stub::GetModel, v1::GetModelRequest(), &model, *by_tcp).ok());
}

TEST(InsightWire, TheModelTellsWhatIsUsedOfTheWriteBudget) {
  NodeFacts facts = SampleFacts();
  v1::GetModelResponse without, with;
  ModelToWire(facts, 1, &without);
  facts.store.admission = SampleWriteBudget();

  ModelToWire(facts, 1, &with);

  EXPECT_FALSE(without.has_write_budget());
  const v1::WriteBudgetUse& use = with.write_budget();
  EXPECT_EQ(use.bytes_per_day(), uint64_t{1} << 40);
  EXPECT_EQ(use.available_bytes(), 300u << 20);
  EXPECT_EQ(use.used_last_minute_bytes(), 428u << 20);
  EXPECT_EQ(use.used_last_day_bytes(), uint64_t{5} << 30);
  EXPECT_EQ(use.admitted_blocks(), 1234u);
  EXPECT_EQ(use.refused_blocks(), 567u);
  EXPECT_EQ(use.score_threshold(), 2.5);
  EXPECT_EQ(use.write_amplification(), 1.25);
}

}  // namespace
}  // namespace halflife
