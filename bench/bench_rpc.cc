#include "bench/bench_rpc.h"

#include <grpcpp/grpcpp.h>

#include "common/limits.h"

namespace halflife::bench {

std::shared_ptr<grpc::Channel> BenchChannel(const std::string& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(kMaxMessageBytes));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
}

std::string OpenBenchNamespace(v1::CacheService::Stub& stub, const client::Namespace& ns) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::OpenNamespaceRequest request;
  v1::NamespaceDescriptor& descriptor = *request.mutable_namespace_descriptor();
  descriptor.set_engine(ns.engine);
  descriptor.set_model_name(ns.model_name);
  descriptor.set_tokens_per_block(ns.tokens_per_block);
  descriptor.set_block_bytes(ns.block_bytes);
  descriptor.set_parts(1);
  descriptor.set_hash_scheme(v1::HASH_SCHEME_OPAQUE);
  v1::OpenNamespaceResponse response;
  return stub.OpenNamespace(&context, request, &response).ok() ? response.namespace_id() : "";
}

}  // namespace halflife::bench
