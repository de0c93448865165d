#include "client/src/channels.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <utility>

#include "common/limits.h"
#include "proto/wire/grpc_lifetime.h"

namespace halflife::client {
namespace {

// gRPC's defaults come back 10 to 25 s after an outage; these in under 1 s (measured,
// tests/client/daemon_round_trip_test).
constexpr int kInitialBackoffMs = 50;
constexpr int kMaxBackoffMs = 500;
constexpr int kMinConnectTimeoutMs = 200;
// The daemon permits a ping each 10 s; without data in between gRPC would allow only two.
constexpr int kKeepaliveTimeMs = 30'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
// What the daemon may send as one HTTP/2 frame: a block's frame then is one, instead of 64 of 16
// KiB.
constexpr int kMaxHttp2FrameBytes = 1 << 20;
// A watch that sees no change is renewed. The length only bounds how long a lost event could hide.
constexpr std::chrono::seconds kWatchLength{60};

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kInitialBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kMinConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxBackoffMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A proxy from the environment would be used even for 127.0.0.1.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Channels of one process would share a connection, and its fate.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // Nobody compresses KV bytes; a compressed message is a bomb.
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kMaxHttp2FrameBytes);
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(kMaxMessageBytes));
  return arguments;
}

}  // namespace

// Renews itself until Stop.
class Channels::Watch final : public CompletionTag {
 public:
  Watch(std::shared_ptr<grpc::Channel> channel, CompletionLoop& loop, OnReady on_ready)
      : channel_(std::move(channel)), loop_(loop), on_ready_(std::move(on_ready)) {}

  void Start() {
    loop_.BeginConnecting();
    channel_->GetState(/*try_to_connect=*/true);
    Arm();
  }

  // At once, before the answer of the first call on a new connection: what follows that call must
  // find the breaker told and the namespaces to be opened again.
  bool is_for_anybody() const override { return true; }

  void OnEvent(bool /*changed*/) override {
    if (!channel_) return;
    const grpc_connectivity_state now = channel_->GetState(/*try_to_connect=*/true);
    const bool came_up = now == GRPC_CHANNEL_READY && state_ != GRPC_CHANNEL_READY;
    const bool went_down = now != GRPC_CHANNEL_READY && state_ == GRPC_CHANNEL_READY;
    state_ = now;
    if (went_down) loop_.BeginConnecting();
    if (came_up) {
      loop_.EndConnecting();
      on_ready_(std::exchange(was_ready_, true));
    }
    Arm();
  }

  void Stop() { channel_.reset(); }

 private:
  void Arm() {
    channel_->NotifyOnStateChange(state_, std::chrono::system_clock::now() + kWatchLength,
                                  loop_.queue(), tag());
  }

  std::shared_ptr<grpc::Channel> channel_;
  CompletionLoop& loop_;
  const OnReady on_ready_;
  bool was_ready_ = false;
  grpc_connectivity_state state_ = GRPC_CHANNEL_IDLE;
};

Channels::Channels(const Options& options, CompletionLoop& loop, OnReady on_ready) {
  KeepGrpcInitialised();
  for (int i = 0; i < options.connections; ++i) {
    Connection connection;
    connection.channel = grpc::CreateCustomChannel(
        options.endpoint, grpc::InsecureChannelCredentials(), ChannelArguments());
    connection.stub = v1::CacheService::NewStub(connection.channel);
    connection.shared = v1::SharedMemoryService::NewStub(connection.channel);
    connection.generic = std::make_unique<grpc::GenericStub>(connection.channel);
    watches_.push_back(std::make_unique<Watch>(connection.channel, loop, on_ready));
    connections_.push_back(std::move(connection));
  }
}

Channels::~Channels() = default;

void Channels::StartWatching() {
  for (const auto& watch : watches_) watch->Start();
}

Connection& Channels::Next() {
  return connections_[turn_.fetch_add(1, std::memory_order_relaxed) % connections_.size()];
}

void Channels::Close() {
  for (const auto& watch : watches_) watch->Stop();
  connections_.clear();
}

}  // namespace halflife::client
