#include "server/node.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "halflife/v1/admin.grpc.pb.h"
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

  const std::string page = GetHttp((*node)->admin_port(), "/metrics").body;

  EXPECT_THAT(page, HasSubstr("halflife_ssd_partitions{state=\"serving\"} 8\n"));
  EXPECT_EQ(PromtoolComplaints(page), "");
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
