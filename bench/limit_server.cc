// The limits of a transport, as a process of their own: stream sockets that read and write memory
// and do nothing else, and a gRPC server whose one method does nothing. bench/README.md.
//
// Usage: halflife_limit_server RAW_UNIX RAW_TCP GRPC_UNIX GRPC_TCP, each "unix:///path" or
// "127.0.0.1:port". Prints "ready" and runs until it is killed.

#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "bench/raw_wire.h"
#include "bench/socket.h"
#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::bench {
namespace {

void ServeConnection(FileDescriptor socket, uint8_t* memory) {
  RawRequest request;
  while (ReceiveAll(socket.get(), {{&request, sizeof request}})) {
    if (request.offset > kRawMemoryBytes || request.bytes > kRawMemoryBytes - request.offset)
      return;
    const iovec payload{memory + request.offset, request.bytes};
    const bool good = request.kind == RawRequest::kPut
                          ? ReceiveAll(socket.get(), {payload}) &&
                                SendAll(socket.get(), {{&request.offset, sizeof request.offset}})
                          : SendAll(socket.get(), {payload});
    if (!good) return;
  }
}

void Accept(FileDescriptor listener, uint8_t* memory) {
  for (;;) {
    FileDescriptor socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) return;
    const int on = 1;  // no receive timeout: the benchmark may do something else for long
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(ServeConnection, std::move(socket), memory).detach();
  }
}

// Any raw unary method does; Release is one. The bytes are not looked at, the answer is empty.
using Service = v1::CacheService::WithRawMethod_Release<v1::CacheService::Service>;

// One call after the other; it is its own tag.
class EmptyCall {
 public:
  EmptyCall(Service& service, grpc::ServerCompletionQueue& queue)
      : service_(service), queue_(queue) {
    Request();
  }
  void OnEvent() {
    if (std::exchange(answered_, !answered_)) {
      writer_.reset();
      context_.reset();
      Request();
    } else {
      writer_->Finish(grpc::ByteBuffer(&empty_, 1), grpc::Status::OK, this);
    }
  }

 private:
  void Request() {
    context_ = std::make_unique<grpc::ServerContext>();
    writer_ = std::make_unique<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>>(context_.get());
    service_.RequestRelease(context_.get(), &request_, writer_.get(), &queue_, &queue_, this);
  }

  Service& service_;
  grpc::ServerCompletionQueue& queue_;
  const grpc::Slice empty_;
  grpc::ByteBuffer request_;
  std::unique_ptr<grpc::ServerContext> context_;
  std::unique_ptr<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> writer_;
  bool answered_ = false;
};

// A completion queue per core, each with its thread: what answered small calls fastest.
void ServeEmptyCalls(const std::vector<std::string>& endpoints) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  Service service;
  grpc::ServerBuilder builder;
  for (const std::string& endpoint : endpoints) {
    builder.AddListeningPort(endpoint, grpc::InsecureServerCredentials());
  }
  builder.RegisterService(&service);
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) {
    queues.push_back(builder.AddCompletionQueue());
  }
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return;
  std::vector<std::thread> threads;
  for (const auto& queue : queues) {
    threads.emplace_back([&service, &queue] {
      std::vector<std::unique_ptr<EmptyCall>> calls;
      for (int i = 0; i < 32; ++i) calls.push_back(std::make_unique<EmptyCall>(service, *queue));
      void* tag = nullptr;
      bool ok = false;
      while (queue->Next(&tag, &ok) && ok) static_cast<EmptyCall*>(tag)->OnEvent();
    });
  }
  std::puts("ready");
  std::fflush(stdout);
  for (std::thread& thread : threads) thread.join();
}

int Run(const std::vector<std::string>& endpoints) {
  if (endpoints.size() != 4) {
    std::fprintf(stderr, "usage: halflife_limit_server RAW_UNIX RAW_TCP GRPC_UNIX GRPC_TCP\n");
    return 2;
  }
  std::vector<uint8_t> memory(kRawMemoryBytes, 1);
  for (int i = 0; i < 2; ++i) {
    FileDescriptor listener = Listen(endpoints[i]);
    if (!listener) {
      std::fprintf(stderr, "limit_server: cannot listen on %s\n", endpoints[i].c_str());
      return 1;
    }
    std::thread(Accept, std::move(listener), memory.data()).detach();
  }
  ServeEmptyCalls({endpoints[2], endpoints[3]});
  return 1;  // it ends by a signal
}

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  return halflife::bench::Run(std::vector<std::string>(argv + 1, argv + argc));
}
