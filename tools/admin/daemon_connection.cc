#include "tools/admin/daemon_connection.h"

#include <chrono>
#include <utility>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/strings/str_cat.h"
#include "common/limits.h"
#include "halflife/v1/admin.grpc.pb.h"
#include "proto/wire/grpc_lifetime.h"
#include "proto/wire/grpc_status.h"

namespace halflife::tools {
namespace {

// grpc.health.v1.Health/Check by hand: Debian ships no generated stub for it.
//   HealthCheckRequest { string service = 1; }   HealthCheckResponse { ServingStatus status = 1; }
//   SERVING = 1
constexpr char kHealthMethod[] = "/grpc.health.v1.Health/Check";
constexpr uint32_t kStringField1 = (1 << 3) | 2;
constexpr uint32_t kVarintField1 = (1 << 3) | 0;
constexpr uint32_t kServing = 1;

grpc::ByteBuffer HealthRequest(const std::string& service) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.WriteTag(kStringField1);
    out.WriteVarint32(static_cast<uint32_t>(service.size()));
    out.WriteString(service);
  }
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

uint32_t HealthStatusOf(const grpc::ByteBuffer& response) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!response.Dump(&slices).ok()) return 0;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  uint32_t status = 0;
  return in.ReadTag() == kVarintField1 && in.ReadVarint32(&status) ? status : 0;
}

// gRPC says "failed to connect to all addresses; last error: UNKNOWN: unix:/run/x.sock: No such
// file or directory": of that a person needs the end, and what to do.
absl::Status FailureOf(const grpc::Status& status) {
  const std::string& text = status.error_message();
  const size_t reason = text.rfind(": ");
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE ||
      text.find("last error: ") == std::string::npos || reason == std::string::npos) {
    return FromGrpcStatus(status);
  }
  return absl::UnavailableError(
      absl::StrCat("no daemon answers (", text.substr(reason + 2),
                   "): start halflifed, or say with --endpoint where it is"));
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(kMaxMessageBytes));
  // A person who waits for a daemon wants to see it at once, not after gRPC's back-off of up to two
  // minutes. The second is how long one attempt may take: a busy machine is no absent daemon, and
  // the call has a deadline of its own.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 250);
  // A proxy from the environment would be used even for 127.0.0.1.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  KeepGrpcInitialised();
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

struct DaemonConnection::Impl {
  explicit Impl(std::shared_ptr<grpc::Channel> to)
      : channel(std::move(to)), admin(v1::AdminService::NewStub(channel)), generic(channel) {}

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::AdminService::Stub> admin;
  grpc::GenericStub generic;

  absl::StatusOr<Health> Check(const std::string& service, grpc::ClientContext& context);

  template <typename Response, typename Request, typename Method>
  absl::StatusOr<Response> Call(Method method, const Request& request, absl::Duration deadline) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline));
    Response response;
    const grpc::Status status = (admin.get()->*method)(&context, request, &response);
    if (!status.ok()) return FailureOf(status);
    return response;
  }
};

DaemonConnection::DaemonConnection(const std::string& endpoint, absl::Duration deadline)
    : deadline_(deadline), impl_(std::make_unique<Impl>(MakeChannel(endpoint))) {}

DaemonConnection::~DaemonConnection() = default;

absl::StatusOr<v1::GetStatsResponse> DaemonConnection::GetStats() {
  return impl_->Call<v1::GetStatsResponse>(&v1::AdminService::Stub::GetStats, v1::GetStatsRequest(),
                                           deadline_);
}

absl::StatusOr<v1::ListNamespacesResponse> DaemonConnection::ListNamespaces() {
  return impl_->Call<v1::ListNamespacesResponse>(&v1::AdminService::Stub::ListNamespaces,
                                                 v1::ListNamespacesRequest(), deadline_);
}

absl::StatusOr<v1::GetConfigResponse> DaemonConnection::GetConfig() {
  return impl_->Call<v1::GetConfigResponse>(&v1::AdminService::Stub::GetConfig,
                                            v1::GetConfigRequest(), deadline_);
}

absl::StatusOr<v1::GetModelResponse> DaemonConnection::GetModel(bool refresh) {
  v1::GetModelRequest request;
  request.set_refresh(refresh);
  return impl_->Call<v1::GetModelResponse>(&v1::AdminService::Stub::GetModel, request, deadline_);
}

absl::StatusOr<v1::ExplainResponse> DaemonConnection::Explain(const v1::ExplainRequest& request) {
  return impl_->Call<v1::ExplainResponse>(&v1::AdminService::Stub::Explain, request, deadline_);
}

absl::StatusOr<v1::ListMissesResponse> DaemonConnection::ListMisses(uint32_t limit) {
  v1::ListMissesRequest request;
  request.set_limit(limit);
  return impl_->Call<v1::ListMissesResponse>(&v1::AdminService::Stub::ListMisses, request,
                                             deadline_);
}

absl::StatusOr<std::vector<v1::ExportRequestsResponse>> DaemonConnection::ExportRequests() {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline_));
  const auto reader = impl_->admin->ExportRequests(&context, v1::ExportRequestsRequest());
  std::vector<v1::ExportRequestsResponse> messages;
  v1::ExportRequestsResponse message;
  while (reader->Read(&message)) messages.push_back(std::move(message));
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FailureOf(status);
  return messages;
}

absl::StatusOr<DaemonConnection::Health> DaemonConnection::Check(const std::string& service) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline_));
  return impl_->Check(service, context);
}

absl::StatusOr<DaemonConnection::Health> DaemonConnection::CheckWhenThere(
    const std::string& service, absl::Duration wait) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(wait));
  return impl_->Check(service, context);
}

absl::StatusOr<DaemonConnection::Health> DaemonConnection::Impl::Check(
    const std::string& service, grpc::ClientContext& context) {
  const grpc::ByteBuffer request = HealthRequest(service);
  grpc::CompletionQueue queue;
  auto call = generic.PrepareUnaryCall(&context, kHealthMethod, request, &queue);
  grpc::ByteBuffer response;
  grpc::Status status;
  call->StartCall();
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  if (!status.ok()) return FailureOf(status);
  return HealthStatusOf(response) == kServing ? Health::kServing : Health::kNotServing;
}

}  // namespace halflife::tools
