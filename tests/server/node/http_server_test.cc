#include "server/admin/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/admin/admin_pages.h"
#include "tests/server/node/http_get.h"
#include "tests/server/node/sample_facts.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// The admin pages on a free port, over sample facts.
class HttpServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server = HttpServer::Start(
        {.listen = "127.0.0.1:0",
         .pages = AdminPages([] { return SampleFacts(); }, [this] { return state_; })});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  NodeState state_ = NodeState::kServing;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, ServesMetricsWithTheFormatsVersion) {
  const HttpAnswer answer = GetHttp(server_->port(), "/metrics");

  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  EXPECT_THAT(answer.body, HasSubstr("halflife_build_info{"));
}

TEST_F(HttpServerTest, ServesTheStatusPageAtTwoPaths) {
  for (const char* path : {"/", "/statusz"}) {
    const HttpAnswer answer = GetHttp(server_->port(), path);

    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_THAT(answer.head, HasSubstr("Content-Security-Policy: default-src 'none'"));
    EXPECT_THAT(answer.body, HasSubstr("<h1>halflifed"));
  }
}

TEST_F(HttpServerTest, HealthFollowsTheStateOfTheNode) {
  EXPECT_EQ(GetHttp(server_->port(), "/healthz").status, 200);
  EXPECT_EQ(GetHttp(server_->port(), "/readyz").body, "ok\n");

  state_ = NodeState::kDraining;

  EXPECT_EQ(GetHttp(server_->port(), "/healthz").status, 200) << "alive: nobody must restart it";
  EXPECT_EQ(GetHttp(server_->port(), "/readyz").status, 503);
  EXPECT_EQ(GetHttp(server_->port(), "/readyz").body, "draining\n");
}

TEST_F(HttpServerTest, HeadHasTheHeadersWithoutTheBody) {
  const HttpAnswer answer = AskHttp(server_->port(), "HEAD", "/healthz");

  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.head, HasSubstr("Content-Length: 3"));
  EXPECT_THAT(answer.body, IsEmpty());
}

TEST_F(HttpServerTest, OtherMethodsAreRefused) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    const HttpAnswer answer = AskHttp(server_->port(), method, "/metrics");

    EXPECT_EQ(answer.status, 405) << method;
    EXPECT_THAT(answer.head, HasSubstr("Allow: GET, HEAD"));
  }
}

TEST_F(HttpServerTest, AnUnknownPathListsTheKnownOnesAndNoFileIsServed) {
  for (const char* path : {"/nothing", "/etc/passwd", "/../../etc/passwd", "/%2e%2e/etc/passwd"}) {
    const HttpAnswer answer = GetHttp(server_->port(), path);

    EXPECT_THAT(answer.status, ::testing::AnyOf(400, 404)) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("root:")));
  }
  EXPECT_THAT(GetHttp(server_->port(), "/nothing").body, HasSubstr("/metrics\n"));
}

TEST_F(HttpServerTest, ARequestThatIsTooLargeIsRefused) {
  const HttpAnswer answer = GetHttp(server_->port(), "/" + std::string(100'000, 'x'));

  EXPECT_NE(answer.status, 200);
  EXPECT_EQ(GetHttp(server_->port(), "/healthz").status, 200) << "the server goes on";
}

TEST_F(HttpServerTest, APortInUseIsAnErrorThatNamesIt) {
  const std::string listen = "127.0.0.1:" + std::to_string(server_->port());

  const auto second = HttpServer::Start({.listen = listen, .pages = {}});

  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(listen));
}

}  // namespace
}  // namespace halflife
