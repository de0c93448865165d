#include "server/rpc/rpc_server.h"

#include <grpc/grpc.h>
#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/log.h"
#include "common/status.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "proto/wire/grpc_lifetime.h"
#include "server/rpc/cache_service.h"
#include "server/rpc/listen_socket.h"
#include "server/rpc/reflection_service.h"
#include "server/rpc/rpc_environment.h"
#include "server/rpc/socket_acceptor.h"

namespace halflife {
namespace {

constexpr int kMaxMetadataBytes = 8 << 10;
constexpr int kHandshakeTimeoutMs = 3000;
// Payload frames of 1 MiB then cross as one HTTP/2 frame each: up to 1.4x on Put.
constexpr int kMaxHttp2FrameBytes = 1 << 20;
// Clients ping every 30 s, calls or not; gRPC's default would take that for abuse.
constexpr int kMinClientPingIntervalMs = 10'000;
constexpr absl::Duration kWatchInterval = absl::Milliseconds(100);
// After the grace: for what gRPC itself still has to finish (health watchers, cancelled calls).
constexpr absl::Duration kAfterGrace = absl::Milliseconds(100);
// For the last references into the store. Reached only if a disk or gRPC hangs.
constexpr absl::Duration kReleaseTimeout = absl::Seconds(10);

constexpr char kLiveness[] = "liveness";
constexpr char kReadiness[] = "readiness";

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetLimits(const RpcServer::Options& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
  builder.SetMaxSendMessageSize(static_cast<int>(kMaxMessageBytes));
  // Identity only: a compressed message is a bomb, and KV-cache bytes do not compress.
  builder.SetDefaultCompressionAlgorithm(GRPC_COMPRESS_NONE);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxHttp2FrameBytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kMinClientPingIntervalMs);
}

absl::StatusOr<std::vector<ListenSocket>> ListenOnAll(const RpcServer::Options& options) {
  std::vector<ListenSocket> sockets;
  // TCP first: if its port is taken, no socket file is left behind.
  if (!options.tcp_address.empty()) {
    HL_ASSIGN_OR_RETURN(sockets.emplace_back(), ListenTcp(options.tcp_address));
  }
  if (!options.unix_path.empty()) {
    HL_ASSIGN_OR_RETURN(sockets.emplace_back(),
                        ListenUnix(options.unix_path, options.remove_stale_socket));
  }
  return sockets;
}

class RpcServerImpl final : public RpcServer {
 public:
  explicit RpcServerImpl(RpcEnvironmentRef environment)
      : environment_(std::move(environment)), service_(MakeCacheService(environment_)) {}
  ~RpcServerImpl() override { Shutdown(absl::ZeroDuration()); }

  absl::Status Listen(const std::vector<ExtraService>& extra_services);

  void SetServing(bool ready) override;
  void BeginDrain() override;
  void Shutdown(absl::Duration grace) override;
  int tcp_port() const override { return acceptor_ != nullptr ? acceptor_->tcp_port() : 0; }
  RpcStats stats() const override;

 private:
  void RemoveSocketFile();
  std::shared_ptr<grpc::Server> server() const {
    MutexLock lock(mutex_);
    return server_;
  }

  const RpcEnvironmentRef environment_;
  const std::unique_ptr<grpc::Service> service_;
  std::unique_ptr<grpc::Service> reflection_;
  uint64_t socket_inode_ = 0;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> connections_;
  std::unique_ptr<SocketAcceptor> acceptor_;
  std::unique_ptr<PeriodicTask> watching_;

  mutable Mutex mutex_;
  std::shared_ptr<grpc::Server> server_
      ABSL_GUARDED_BY(mutex_);  // null before Listen and after Shutdown
};

absl::Status RpcServerImpl::Listen(const std::vector<ExtraService>& extra_services) {
  HL_ASSIGN_OR_RETURN(std::vector<ListenSocket> sockets, ListenOnAll(environment_->options));
  struct stat file {};
  if (lstat(environment_->options.unix_path.c_str(), &file) == 0) socket_inode_ = file.st_ino;

  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetLimits(environment_->options, builder);
  builder.RegisterService(service_.get());
  std::vector<std::string> names = {v1::CacheService::service_full_name(), "grpc.health.v1.Health"};
  for (const ExtraService& extra : extra_services) {
    builder.RegisterService(extra.service);
    names.push_back(extra.name);
  }
  reflection_ = MakeReflectionService(std::move(names));
  builder.RegisterService(reflection_.get());
  connections_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      grpc::InsecureServerCredentials());
  std::shared_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::UnavailableError("gRPC refused to start: see its log on stderr");
  }
  server->GetHealthCheckService()->SetServingStatus(kLiveness, true);
  {
    MutexLock lock(mutex_);
    server_ = std::move(server);
  }
  SetServing(false);

  watching_ = std::make_unique<PeriodicTask>(
      "hl-rpc-watch", kWatchInterval, [environment = environment_.get()] {
        environment->watch.Scan(environment->clock.NowNanos());
        return false;
      });
  acceptor_ = std::make_unique<SocketAcceptor>(
      std::move(sockets),
      SocketAcceptor::Admission{
          .max_connections = environment_->options.max_connections,
          .peers = PeerPolicy::OwnRootAnd(environment_->options.allowed_uids,
                                          environment_->options.allowed_gids)},
      [this](int listener, int connection) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
        parameters.listener_fd = listener;
        parameters.fd = connection;
        connections_->HandleNewConnection(&parameters);
      });
  return absl::OkStatus();
}

void RpcServerImpl::SetServing(bool ready) {
  const std::shared_ptr<grpc::Server> server = this->server();
  if (server == nullptr) return;
  const bool serving = ready && !environment_->draining;
  server->GetHealthCheckService()->SetServingStatus(kReadiness, serving);
  server->GetHealthCheckService()->SetServingStatus("", serving);
}

void RpcServerImpl::BeginDrain() {
  environment_->draining = true;
  SetServing(false);
}

void RpcServerImpl::RemoveSocketFile() {
  const std::string& path = environment_->options.unix_path;
  const uint64_t inode = std::exchange(socket_inode_, 0);
  struct stat file {};
  // Only our own: a successor may have put its socket there.
  if (inode != 0 && lstat(path.c_str(), &file) == 0 && file.st_ino == inode) unlink(path.c_str());
}

void RpcServerImpl::Shutdown(absl::Duration grace) {
  BeginDrain();
  std::shared_ptr<grpc::Server> server;
  {
    MutexLock lock(mutex_);
    server.swap(server_);
  }
  if (acceptor_ != nullptr) acceptor_->Stop();
  RemoveSocketFile();
  if (server == nullptr) return;  // it never started, or has ended
  environment_->calls.WaitUntilEmpty(grace);
  server->Shutdown(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                gpr_time_from_millis(Millis(kAfterGrace), GPR_TIMESPAN)));
  server->Wait();
  if (watching_ != nullptr) watching_->Stop();
  // Connections end with the server, and with them the slices of blocks in their send buffers.
  connections_.reset();
  server.reset();
  if (!environment_->io_tasks.WaitUntilEmpty(kReleaseTimeout) ||
      !environment_->frame_bytes.WaitUntilEmpty(kReleaseTimeout)) {
    Log(Severity::kError, "rpc", "blocks are still referred to after the server has ended");
  }
}

RpcStats RpcServerImpl::stats() const {
  RpcStats stats;
  environment_->counters.AddTo(stats);
  stats.inflight_get_bytes = environment_->get_bytes.bytes();
  stats.inflight_put_bytes = environment_->put_bytes.bytes();
  stats.frame_bytes = environment_->frame_bytes.bytes();
  stats.refused_get_bytes = environment_->get_bytes.refused();
  stats.refused_put_bytes = environment_->put_bytes.refused();
  if (acceptor_ != nullptr) {
    const SocketAcceptor::Stats connections = acceptor_->stats();
    stats.connections_open = connections.open;
    stats.connections_accepted = connections.accepted;
    stats.connections_refused = connections.refused;
    stats.peers_refused = connections.forbidden;
  }
  return stats;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const Options& options,
                                                            const Parts& parts) {
  HL_RETURN_IF_ERROR(options.Validate());
  KeepGrpcInitialised();
  // Debian builds Abseil with deadlock detection on, which costs gRPC's small calls 5 to 15 %.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  auto server = std::make_unique<RpcServerImpl>(std::make_shared<RpcEnvironment>(options, parts));
  HL_RETURN_IF_ERROR(server->Listen(parts.extra_services));
  return server;
}

}  // namespace halflife
