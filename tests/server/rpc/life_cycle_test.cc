#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

class LifeCycle : public RpcFixture {
 protected:
  // Health.Check over raw bytes: its proto is in no Debian package. HealthCheckRequest{service =
  // 1}, HealthCheckResponse{status = 1}: SERVING = 1, NOT_SERVING = 2; -1 = the call failed.
  int Health(const std::string& service) {
    std::string request;
    if (!service.empty())
      request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    std::string response;
    const grpc::Status status = Call("/grpc.health.v1.Health/Check", request, response);
    if (!status.ok() || response.size() != 2 || response[0] != '\x08') return -1;
    return response[1];
  }
  grpc::Status Call(const std::string& method, const std::string& request, std::string& response) {
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel_);
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    const grpc::Slice slice(request);
    const auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&slice, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer bytes;
    grpc::Status status;
    call->Finish(&bytes, &status, this);
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok) && ok);
    grpc::Slice flat;
    if (status.ok() && bytes.DumpToSingleSlice(&flat).ok()) {
      response.assign(reinterpret_cast<const char*>(flat.begin()), flat.size());
    }
    return status;
  }
  absl::Status StartStatus() {
    return RpcServer::Start(
               options_,
               {.store = store_.get(), .io = io_.get(), .clock = &clock_, .extra_services = {}})
        .status();
  }
};

TEST_F(LifeCycle, ItIsAliveAtOnceAndReadyWhenToldSo) {
  StartServer();
  EXPECT_EQ(Health("liveness"), 1);
  EXPECT_EQ(Health("readiness"), 2);
  EXPECT_EQ(Health(""), 2);

  server_->SetServing(true);
  EXPECT_EQ(Health("readiness"), 1);
  EXPECT_EQ(Health(""), 1);
  EXPECT_EQ(Health("no such service"), -1);
}

TEST_F(LifeCycle, ADrainingServerIsAliveNotReadyAndAnswersUnavailable) {
  StartServer();
  Open();
  server_->SetServing(true);
  const auto chain = Chain(1, 2);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto under_way = stub_->Put(&context, &response);
  ASSERT_TRUE(under_way->Write(HeaderOf({chain[0]})));
  WaitUntil([&] { return server_->stats().inflight_put_bytes > 0; }, "the Put to be under way");

  server_->BeginDrain();
  server_->SetServing(true);  // too late

  EXPECT_EQ(Health("liveness"), 1);
  EXPECT_EQ(Health("readiness"), 2);
  EXPECT_EQ(Lookup(LookupOf(chain)).first.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Get(GetOf(chain)).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(PutChain({chain[1]}).status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server_->stats().refused_draining, 3);
  // What was under way goes on.
  EXPECT_TRUE(under_way->Write(FramesOf(0, chain[0])[0]) && under_way->WritesDone());
  EXPECT_TRUE(under_way->Finish().ok());
  EXPECT_EQ(response.stored(), 1);
}

TEST_F(LifeCycle, ShutdownCancelsWhatIsStillUnderWayAfterTheGrace) {
  StartServer();
  Open();
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(Chain(1, 1))));
  WaitUntil([&] { return server_->stats().inflight_put_bytes > 0; }, "the Put to be under way");

  server_->Shutdown(absl::ZeroDuration());

  EXPECT_FALSE(writer->Finish().ok());
  EXPECT_FALSE(std::filesystem::exists(options_.unix_path));
  EXPECT_EQ(server_->stats().open_streams(), 0);
}

TEST_F(LifeCycle, TheSocketIsForOwnerAndGroupOnly) {
  StartServer();
  struct stat file {};
  ASSERT_EQ(lstat(options_.unix_path.c_str(), &file), 0);
  EXPECT_TRUE(S_ISSOCK(file.st_mode));
  EXPECT_EQ(file.st_mode & 0777, 0660);
}

TEST_F(LifeCycle, ASocketInTheWayIsNotTakenUnlessItIsSaidToBeStale) {
  StartServer();
  Open();
  EXPECT_EQ(StartStatus().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Lookup(LookupOf(Chain(1, 1))).first.ok());  // the first one is unharmed

  options_.unix_path = directory_ + "/stale.sock";
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, options_.unix_path.c_str(), sizeof name.sun_path - 1);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  close(fd);
  EXPECT_EQ(StartStatus().code(), absl::StatusCode::kFailedPrecondition);
  options_.remove_stale_socket = true;
  EXPECT_TRUE(StartStatus().ok());

  std::ofstream(options_.unix_path) << "not a socket";
  EXPECT_EQ(StartStatus().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(std::filesystem::exists(options_.unix_path));
}

TEST_F(LifeCycle, TcpIsServedOnItsOwnPortWhichIsNeverShared) {
  options_.tcp_address = "127.0.0.1:0";
  StartServer();
  Open();
  ASSERT_GT(server_->tcp_port(), 0);
  const std::string address = "127.0.0.1:" + std::to_string(server_->tcp_port());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  stub_ = v1::CacheService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  const auto chain = Chain(1, 3);
  EXPECT_EQ(PutChain(chain).response.stored(), 3);
  EXPECT_EQ(Get(GetOf(chain)).blocks.at(2).bytes, BytesOf(chain[2]));

  options_.tcp_address = address;
  options_.unix_path = directory_ + "/other.sock";
  EXPECT_EQ(StartStatus().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(options_.unix_path));
}

TEST_F(LifeCycle, ConnectionsAboveTheLimitAreRefusedUntilOneEnds) {
  options_.max_connections = 2;
  StartServer();
  Open();
  const v1::LookupRequest request = LookupOf(Chain(1, 1));
  auto lookup = [&](const std::shared_ptr<grpc::Channel>& channel) {
    v1::LookupResponse response;
    grpc::ClientContext context;
    return v1::CacheService::NewStub(channel)->Lookup(&context, request, &response);
  };
  auto second = NewChannel();
  ASSERT_TRUE(lookup(second).ok());
  EXPECT_EQ(server_->stats().connections_open, 2);

  EXPECT_EQ(lookup(NewChannel()).error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_GE(server_->stats().connections_refused, 1);
  EXPECT_TRUE(lookup(second).ok());  // those that are there are unharmed

  second.reset();
  WaitUntil([&] { return lookup(NewChannel()).ok(); }, "room for another connection");
}

TEST_F(LifeCycle, OptionsAreChecked) {
  const RpcServer::Options good = options_;
  auto code_with = [&](auto change) {
    RpcServer::Options options = good;
    change(options);
    return options.Validate().code();
  };
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  constexpr auto kGood = absl::StatusCode::kOk;

  EXPECT_EQ(code_with([](auto& o) { o.unix_path.clear(); }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.unix_path = "/" + std::string(106, 'p'); }), kGood);
  EXPECT_EQ(code_with([](auto& o) { o.unix_path = "/" + std::string(107, 'p'); }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.max_inflight_get_bytes = 4095; }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.max_inflight_put_bytes = 4096; }), kGood);
  EXPECT_EQ(code_with([](auto& o) { o.max_streams_per_connection = 128; }), kGood);
  EXPECT_EQ(code_with([](auto& o) { o.max_streams_per_connection = 129; }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.max_streams_per_connection = 0; }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.max_connections = 8193; }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.stall_timeout = absl::ZeroDuration(); }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.min_put_grace = absl::Seconds(30); }), kGood);
  EXPECT_EQ(code_with([](auto& o) { o.min_put_grace = absl::Seconds(31); }), kBad);
  EXPECT_EQ(code_with([](auto& o) { o.min_put_bytes_per_s = 0; }), kGood);
  EXPECT_EQ(code_with([](auto& o) { o.default_deadline = o.max_deadline + absl::Seconds(1); }),
            kBad);
  options_.tcp_address = "localhost";
  EXPECT_EQ(StartStatus().code(), kBad);
  options_.tcp_address = "no-numeric-host:1";
  EXPECT_EQ(StartStatus().code(), kBad);
}

}  // namespace
}  // namespace halflife
