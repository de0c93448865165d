#include "server/rpc/cache_service.h"

#include <grpcpp/grpcpp.h>

#include <type_traits>
#include <utility>

#include "halflife/v1/cache.grpc.pb.h"
#include "proto/wire/byte_buffer.h"
#include "server/rpc/fetch_stream.h"
#include "server/rpc/get_stream.h"
#include "server/rpc/put_stream.h"
#include "server/rpc/store_wire.h"
#include "server/rpc/unary_call.h"
#include "server/rpc/unary_handlers.h"

namespace halflife {
namespace {

template <template <typename> class... Layers>
struct Stack;
template <template <typename> class Layer, template <typename> class... Rest>
struct Stack<Layer, Rest...> {
  using Type = Layer<typename Stack<Rest...>::Type>;
};
template <>
struct Stack<> {
  using Type = v1::CacheService::Service;
};

using Generated = v1::CacheService;
using RawService =
    Stack<Generated::WithRawCallbackMethod_OpenNamespace, Generated::WithRawCallbackMethod_Lookup,
          Generated::WithRawCallbackMethod_Get, Generated::WithRawCallbackMethod_Fetch,
          Generated::WithRawCallbackMethod_Put, Generated::WithRawCallbackMethod_Release,
          Generated::WithRawCallbackMethod_Renew, Generated::WithRawCallbackMethod_Touch,
          Generated::WithRawCallbackMethod_Delete, Generated::WithRawCallbackMethod_Hint>::Type;

using Context = grpc::CallbackServerContext;
using Bytes = grpc::ByteBuffer;

class CacheServiceImpl final : public RawService {
 public:
  explicit CacheServiceImpl(RpcEnvironmentRef environment) : environment_(std::move(environment)) {}

  grpc::ServerUnaryReactor* OpenNamespace(Context* context, const Bytes* request,
                                          Bytes* response) override {
    return Serve(RpcMethod::kOpenNamespace, context, *request, response, HandleOpenNamespace,
                 Always);
  }
  grpc::ServerUnaryReactor* Lookup(Context* context, const Bytes* request,
                                   Bytes* response) override {
    return Serve(RpcMethod::kLookup, context, *request, response, HandleLookup, LookupBlocks);
  }
  grpc::ServerUnaryReactor* Release(Context* context, const Bytes* request,
                                    Bytes* response) override {
    return Serve(RpcMethod::kRelease, context, *request, response, HandleRelease, Never);
  }
  grpc::ServerUnaryReactor* Renew(Context* context, const Bytes* request,
                                  Bytes* response) override {
    return Serve(RpcMethod::kRenew, context, *request, response, HandleRenew, Never);
  }
  grpc::ServerUnaryReactor* Touch(Context* context, const Bytes* request,
                                  Bytes* response) override {
    return Serve(RpcMethod::kTouch, context, *request, response, HandleTouch, Never);
  }
  grpc::ServerUnaryReactor* Delete(Context* context, const Bytes* request,
                                   Bytes* response) override {
    return Serve(RpcMethod::kDelete, context, *request, response, HandleDelete, Always);
  }
  grpc::ServerUnaryReactor* Hint(Context* context, const Bytes* request, Bytes* response) override {
    return Serve(RpcMethod::kHint, context, *request, response, HandleHint, HintBlocks);
  }
  grpc::ServerWriteReactor<Bytes>* Get(Context* context, const Bytes* request) override {
    return GetStream::Start(environment_, context, *request);
  }
  grpc::ServerBidiReactor<Bytes, Bytes>* Fetch(Context* context) override {
    return FetchStream::Start(environment_, context);
  }
  grpc::ServerReadReactor<Bytes>* Put(Context* context, Bytes* response) override {
    return PutStream::Start(environment_, context, response);
  }

 private:
  template <typename Request>
  static bool Always(const Request&) {
    return true;
  }
  template <typename Request>
  static bool Never(const Request&) {
    return false;
  }

  // Parses, handles (on the I/O executor if `blocks` says so), answers.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Serve(RpcMethod method, Context* context, const Bytes& bytes,
                                  Bytes* response,
                                  absl::StatusOr<Response> (*handle)(BlockStore&, const Request&),
                                  bool (*blocks)(const Request&)) {
    auto call = std::make_shared<UnaryCall>(environment_, method, context, response);
    grpc::ServerUnaryReactor* const reactor = call->reactor();
    auto request = std::make_shared<Request>();
    if (const absl::Status ready = Prepare(bytes, *request); !ready.ok()) {
      call->Fail(ready);
    } else if (!blocks(*request)) {
      Answer(*call, handle(environment_->store, *request));
    } else {
      const absl::Status submitted = environment_->SubmitIo([call, request, handle] {
        const absl::Status wanted = call->CheckWanted();
        Answer(*call, wanted.ok() ? handle(call->environment().store, *request)
                                  : absl::StatusOr<Response>(wanted));
      });
      if (!submitted.ok()) call->Fail(submitted);
    }
    return reactor;
  }

  absl::Status Prepare(const Bytes& bytes, google::protobuf::MessageLite& request) {
    if (!environment_->draining) return ParseMessage(bytes, request);
    environment_->counters.refused_draining.fetch_add(1, std::memory_order_relaxed);
    return DrainingError();
  }

  template <typename Response>
  static void Answer(UnaryCall& call, absl::StatusOr<Response> response) {
    if (!response.ok()) return call.Fail(response.status());
    if constexpr (std::is_same_v<Response, v1::LookupResponse>) {
      AddTierRates(call.environment().rates, &*response);
    }
    call.Answer(*response);
  }

  const RpcEnvironmentRef environment_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeCacheService(RpcEnvironmentRef environment) {
  return std::make_unique<CacheServiceImpl>(std::move(environment));
}

}  // namespace halflife
