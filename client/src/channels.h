#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/src/completion_loop.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "halflife/v1/shared_memory.grpc.pb.h"

namespace halflife::client {

// One channel and what calls are made with.
struct Connection {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::CacheService::Stub> stub;
  std::unique_ptr<v1::SharedMemoryService::Stub> shared;
  std::unique_ptr<grpc::GenericStub> generic;
};

// The channels of a client to its one daemon. Each is watched by the completion queue, which has
// two effects: a connection that comes up is noticed at once, and gRPC 1.51 goes on connecting
// while no call is under way (else it polls every 5 s unless
// GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS is in the environment, and a library cannot safely
// call setenv in somebody else's process).
class Channels {
 public:
  struct Options {
    std::string endpoint;
    int connections = 1;
  };

  // Runs each time a channel has connected, on whatever thread polls; `again`: not for the first
  // time.
  using OnReady = std::function<void(bool again)>;

  // Borrows `loop`.
  Channels(const Options& options, CompletionLoop& loop, OnReady on_ready);
  ~Channels();

  void StartWatching();
  // The next one in turn. Not after Close.
  Connection& Next();
  // On the completion thread, when no RPC is under way: gives the channels up and stops watching.
  void Close();

 private:
  class Watch;

  std::vector<Connection> connections_;
  std::vector<std::unique_ptr<Watch>> watches_;
  std::atomic<uint32_t> turn_{0};
};

}  // namespace halflife::client
