#include "server/node.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "common/hashing.h"
#include "halflife/v1/admin.grpc.pb.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "server/private_directory.h"
#include "tests/server/node/http_get.h"
#include "tests/server/node/promtool.h"
#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Nodes within the test's process, DRAM only.
class NodeTest : public ::testing::Test {
 protected:
  EffectiveConfig Configured(std::vector<std::pair<std::string, std::string>> more = {}) {
    ConfigSources sources;
    sources.flags = {{"server.unix_socket", scratch_ / "run/h.sock"},
                     {"storage.dram.budget", "64MiB"},
                     {"admin.listen", "127.0.0.1:0"}};
    sources.flags.insert(sources.flags.end(), more.begin(), more.end());
    auto config = ResolveConfig(sources);
    HL_CHECK(config.ok());
    return *std::move(config);
  }

  absl::StatusOr<std::unique_ptr<Node>> Start(
      std::vector<std::pair<std::string, std::string>> more = {}) {
    return Node::Start(
        {.config = Configured(std::move(more)), .request_stop = [this] { ++stop_requests_; }});
  }

  std::unique_ptr<v1::AdminService::Stub> Admin(const std::string& target) {
    return v1::AdminService::NewStub(
        grpc::CreateChannel(target, grpc::InsecureChannelCredentials()));
  }
  std::unique_ptr<v1::CacheService::Stub> Cache() const {
    return v1::CacheService::NewStub(
        grpc::CreateChannel(UnixTarget(), grpc::InsecureChannelCredentials()));
  }
  static NamespaceDescriptor Model(uint64_t block_bytes) {
    NamespaceDescriptor descriptor;
    descriptor.engine = "vllm";
    descriptor.model_name = "a model";
    descriptor.tokens_per_block = 16;
    descriptor.block_bytes = block_bytes;
    return descriptor;
  }
  // Puts a block unless it is there, looks it up and gets it. Returns the answer of the Lookup.
  v1::LookupResponse PutAndGetOneBlock() {
    constexpr uint64_t kBytes = 64 << 10;
    const NamespaceDescriptor descriptor = Model(kBytes);
    const BlockIdentity identity{descriptor.Id(), BlockHash{Sha256Of("a block")}, 0, 0};
    const std::string id(NamespaceIdToWire(identity.ns)), payload(kBytes, 'x');
    const auto cache = Cache();
    v1::Chain chain;
    chain.set_hashes(std::string(AsText(identity.hash.bytes)));
    grpc::ClientContext open_context, put_context, lookup_context, get_context;

    v1::OpenNamespaceRequest open;
    *open.mutable_namespace_descriptor() = DescriptorToWire(descriptor);
    v1::OpenNamespaceResponse opened;
    EXPECT_TRUE(cache->OpenNamespace(&open_context, open, &opened).ok());
    v1::PutRequest header, frame;
    header.mutable_header()->set_namespace_id(id);
    *header.mutable_header()->mutable_chain() = chain;
    header.mutable_header()->mutable_attributes()->set_app("chat");
    header.mutable_header()->mutable_attributes()->set_turn(1);
    frame.mutable_frame()->set_block_bytes(kBytes);
    frame.mutable_frame()->set_checksum(
        std::string(AsText(PayloadChecksum(identity, AsBytes(payload)))));
    frame.mutable_frame()->set_payload(payload);
    v1::PutResponse put;
    const auto writer = cache->Put(&put_context, &put);
    writer->Write(header);
    writer->Write(frame);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();

    v1::LookupRequest lookup;
    lookup.set_namespace_id(id);
    *lookup.mutable_chain() = chain;
    v1::LookupResponse found;
    EXPECT_TRUE(cache->Lookup(&lookup_context, lookup, &found).ok());
    EXPECT_EQ(found.prefix_blocks(), 1u);
    v1::GetRequest get;
    get.set_namespace_id(id);
    *get.mutable_chain() = chain;
    v1::GetResponse got;
    const auto reader = cache->Get(&get_context, get);
    while (reader->Read(&got)) {
    }
    EXPECT_TRUE(reader->Finish().ok());
    return found;
  }
  std::string UnixTarget() const { return "unix:" + (scratch_ / "run/h.sock"); }

  Scratch scratch_;
  std::atomic<int> stop_requests_{0};
};

TEST_F(NodeTest, ServesItsPagesAndStopsTwiceWithoutHarm) {
  auto node = Start();
  ASSERT_TRUE(node.ok()) << node.status();

  EXPECT_EQ(GetHttp((*node)->admin_port(), "/healthz").status, 200);
  EXPECT_THAT(GetHttp((*node)->admin_port(), "/metrics").body,
              HasSubstr("halflife_tier_capacity_bytes{tier=\"dram\"} 67108864\n"));
  EXPECT_THAT(GetHttp((*node)->admin_port(), "/statusz").body,
              HasSubstr("budget: 64MiB  # --storage.dram.budget"));

  (*node)->BeginDrain();
  EXPECT_EQ(GetHttp((*node)->admin_port(), "/readyz").status, 503);
  (*node)->Stop(absl::Seconds(1));
  (*node)->Stop(absl::Seconds(1));
}

TEST_F(NodeTest, ItsLivePagePassesPromtool) {
  if (!HavePromtool()) GTEST_SKIP() << "no promtool: install the package prometheus";
  auto node = Start({{"storage.ssd.directory", scratch_ / "ssd"}, {"storage.ssd.quota", "64MiB"}});
  ASSERT_TRUE(node.ok()) << node.status();
  PutAndGetOneBlock();

  const std::string page = GetHttp((*node)->admin_port(), "/metrics").body;

  EXPECT_THAT(page, HasSubstr("halflife_ssd_partitions{state=\"serving\"} 8\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_put_blocks_total{model_name=\"a model\",category=\"chat/1\","
                        "result=\"stored\"} 1\n"));
  EXPECT_EQ(PromtoolComplaints(page), "");
}

TEST_F(NodeTest, ALookupTellsTheRateOfRealGets) {
  auto node = Start();
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(PutAndGetOneBlock().tier_rates_size(), 0) << "before the first Get";

  // The daemon counts a Get a little after its reader has the last byte.
  v1::LookupResponse response;
  for (int i = 0; i < 100 && response.tier_rates_size() == 0; ++i) response = PutAndGetOneBlock();

  ASSERT_EQ(response.tier_rates_size(), 1);
  EXPECT_EQ(response.tier_rates(0).tier(), v1::TIER_DRAM);
  EXPECT_GE(response.tier_rates(0).bytes_per_second(), 4u * 64 << 10)
      << "frames that take longer than 250 ms are the reader's fault and do not count";
}

TEST_F(NodeTest, TheAdminPortAnswersBeforeTheStoreIsOpen) {
  std::vector<std::string> seen;
  const std::string ssd = scratch_ / "ssd";
  auto node = Node::Start(
      {.config = Configured({{"storage.ssd.directory", ssd}, {"storage.ssd.quota", "64MiB"}}),
       .request_stop = [] {},
       .on_admin_port =
           [&](int port) {
             EXPECT_FALSE(std::filesystem::exists(ssd + "/starts.halflife")) << "not opened yet";
             EXPECT_EQ(GetHttp(port, "/healthz").status, 200);
             const HttpAnswer ready = GetHttp(port, "/readyz");
             EXPECT_EQ(ready.status, 503);
             EXPECT_EQ(ready.body, "starting\n");
             EXPECT_THAT(GetHttp(port, "/metrics").body, HasSubstr("halflife_ready 0\n"));
             EXPECT_THAT(GetHttp(port, "/statusz").body, HasSubstr("The store is being opened"));
             seen.push_back("starting");
           }});
  ASSERT_TRUE(node.ok()) << node.status();

  EXPECT_THAT(seen, ElementsAre("starting"));
  EXPECT_EQ(GetHttp((*node)->admin_port(), "/readyz").status, 200);
  EXPECT_THAT(GetHttp((*node)->admin_port(), "/metrics").body, HasSubstr("halflife_ready 1\n"));
}

TEST_F(NodeTest, StartsThatCannotBeNotedDoNotKeepItDown) {
  std::filesystem::create_directories(scratch_ / "ssd/starts.halflife");
  std::filesystem::permissions(scratch_ / "ssd", std::filesystem::perms::owner_all);

  const auto node =
      Start({{"storage.ssd.directory", scratch_ / "ssd"}, {"storage.ssd.quota", "64MiB"}});

  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_TRUE((*node)->Facts().store.has_ssd);
}

TEST_F(NodeTest, AStartThatFailsAfterTheAdminPortLetsGoOfIt) {
  WriteText(scratch_ / "secret", "too short");
  int port = 0;

  const auto failed =
      Node::Start({.config = Configured({{"security.secret_file", scratch_ / "secret"}}),
                   .request_stop = [] {},
                   .on_admin_port = [&](int bound) { port = bound; }});

  EXPECT_EQ(failed.status().code(), absl::StatusCode::kInvalidArgument) << failed.status();
  ASSERT_GT(port, 0);
  EXPECT_EQ(GetHttp(port, "/healthz").status, 0);
  EXPECT_TRUE(Start({{"admin.listen", "127.0.0.1:" + std::to_string(port)}}).ok());
}

TEST_F(NodeTest, BlocksAboveTheSettingAreRefused) {
  auto node = Start({{"storage.max_block", "1MiB"}});
  ASSERT_TRUE(node.ok()) << node.status();
  for (const int delta : {-1, 0, 1}) {
    grpc::ClientContext context;
    v1::OpenNamespaceRequest request;
    *request.mutable_namespace_descriptor() = DescriptorToWire(Model((1 << 20) + delta));
    v1::OpenNamespaceResponse response;

    const grpc::Status status = Cache()->OpenNamespace(&context, request, &response);

    EXPECT_EQ(status.ok(), delta <= 0) << status.error_message();
    if (delta <= 0) continue;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(status.error_message(), HasSubstr("raise storage.max_block"));
  }
}

TEST(PrivateDirectory, TellsWhereAnybodyMayReplaceASocket) {
  Scratch scratch;
  for (const auto& [mode, anybody] : {std::pair{0750, false}, {01777, false}, {0777, true}}) {
    ASSERT_EQ(chmod(scratch.path().c_str(), static_cast<mode_t>(mode)), 0);

    EXPECT_EQ(AnybodyMayReplaceFilesIn(scratch.path()), anybody) << std::oct << mode;
  }
  EXPECT_FALSE(AnybodyMayReplaceFilesIn(scratch / "nothing"));
}

TEST_F(NodeTest, ASecondNodeOnTheSameSocketIsRefusedAndTheFirstGoesOn) {
  auto first = Start();
  ASSERT_TRUE(first.ok()) << first.status();

  const auto second = Start();

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(GetHttp((*first)->admin_port(), "/healthz").status, 200);
}

TEST_F(NodeTest, ATakenPortIsRefusedBeforeAnythingIsBound) {
  auto first = Start();
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->admin_port());

  const auto second =
      Start({{"server.unix_socket", scratch_ / "two/h.sock"}, {"admin.listen", taken}});

  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_FALSE(std::filesystem::exists(scratch_ / "two/h.sock"));
}

TEST_F(NodeTest, AReloadAppliesTheReloadableSubsetOnly) {
  auto node = Start();
  ASSERT_TRUE(node.ok()) << node.status();

  const ConfigChanges changes =
      (*node)->Reload(Configured({{"server.drain_time", "9s"}, {"server.io_threads", "9"}}));

  EXPECT_THAT(changes.applied, ElementsAre("server.drain_time"));
  EXPECT_THAT(changes.need_a_restart, ElementsAre("server.io_threads"));
  EXPECT_EQ((*node)->config()->values().server.drain_time, absl::Seconds(9));
  EXPECT_EQ((*node)->config()->values().server.io_threads, 4);
  (*node)->CountFailedReload();
  EXPECT_THAT(GetHttp((*node)->admin_port(), "/metrics").body,
              HasSubstr("halflife_config_last_reload_successful 0\n"));
}

TEST_F(NodeTest, TheAdminServiceTellsStatsConfigurationAndConservation) {
  auto node = Start();
  ASSERT_TRUE(node.ok()) << node.status();
  const auto admin = Admin(UnixTarget());

  grpc::ClientContext stats_context, config_context, namespaces_context, conservation_context;
  v1::GetStatsResponse stats;
  v1::GetConfigResponse config;
  v1::ListNamespacesResponse namespaces;
  v1::CheckConservationResponse conservation;

  EXPECT_TRUE(admin->GetStats(&stats_context, {}, &stats).ok());
  EXPECT_TRUE(admin->GetConfig(&config_context, {}, &config).ok());
  EXPECT_TRUE(admin->ListNamespaces(&namespaces_context, {}, &namespaces).ok());
  EXPECT_TRUE(admin->CheckConservation(&conservation_context, {}, &conservation).ok());
  EXPECT_EQ(stats.tiers(0).capacity_bytes(), uint64_t{64} << 20);
  EXPECT_THAT(config.yaml(), HasSubstr("budget: 64MiB"));
  EXPECT_EQ(namespaces.namespaces_size(), 0);
  EXPECT_THAT(conservation.difference(), IsEmpty());
}

TEST_F(NodeTest, DrainIsForTheUnixSocketOnly) {
  auto node = Start({{"server.tcp_listen", "127.0.0.1:0"}});
  ASSERT_TRUE(node.ok()) << node.status();
  const auto by_tcp = Admin("127.0.0.1:" + std::to_string((*node)->tcp_port()));
  const auto by_unix = Admin(UnixTarget());

  grpc::ClientContext tcp_context, unix_context;
  v1::DrainResponse response;

  EXPECT_EQ(by_tcp->Drain(&tcp_context, {}, &response).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(stop_requests_.load(), 0);
  EXPECT_TRUE(by_unix->Drain(&unix_context, {}, &response).ok());
  EXPECT_EQ(stop_requests_.load(), 1);
}

}  // namespace
}  // namespace halflife
