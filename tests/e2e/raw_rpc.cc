#include "tests/e2e/raw_rpc.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <chrono>

#include "common/strings.h"
#include "halflife/v1/admin.grpc.pb.h"

namespace halflife::e2e {
namespace {

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string text;
  if (!buffer.Dump(&slices).ok()) return text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

grpc::ByteBuffer BufferOf(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

// Waits for the one operation under way; its outcome.
bool Next(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}

void SetBudget(grpc::ClientContext& context, absl::Duration budget) {
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(budget));
}

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& endpoint) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
}

RawReply RawCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                 const std::vector<std::string>& requests, absl::Duration budget) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  SetBudget(context, budget);
  const auto stream = stub.PrepareCall(&context, method, &queue);
  RawReply reply;
  stream->StartCall(nullptr);
  bool alive = Next(queue);
  for (size_t i = 0; alive && i < requests.size(); ++i) {
    stream->Write(BufferOf(requests[i]), nullptr);
    alive = Next(queue);
  }
  if (alive) {
    stream->WritesDone(nullptr);
    alive = Next(queue);
  }
  // Also when the daemon refused early: its answer may be on the way.
  grpc::ByteBuffer message;
  for (stream->Read(&message, nullptr); Next(queue); stream->Read(&message, nullptr)) {
    reply.messages.push_back(TextOf(message));
  }
  stream->Finish(&reply.status, nullptr);
  Next(queue);
  queue.Shutdown();
  return reply;
}

bool Ready(const std::shared_ptr<grpc::Channel>& channel, absl::Duration budget) {
  // grpc.health.v1: request { string service = 1; }, response { enum status = 1; } with 1 =
  // SERVING.
  static constexpr char kService[] = "readiness";
  const std::string request = StrCat("\x0a\x09", kService);
  const RawReply reply = RawCall(channel, "/grpc.health.v1.Health/Check", {request}, budget);
  return reply.status.ok() && reply.messages.size() == 1 && reply.messages[0] == "\x08\x01";
}

std::string ConservationDifference(const std::shared_ptr<grpc::Channel>& channel) {
  const auto stub = v1::AdminService::NewStub(channel);
  grpc::ClientContext context;
  SetBudget(context, absl::Seconds(30));
  v1::CheckConservationResponse response;
  const grpc::Status status = stub->CheckConservation(&context, {}, &response);
  return status.ok() ? response.difference() : StrCat("no answer: ", status.error_message());
}

}  // namespace halflife::e2e
