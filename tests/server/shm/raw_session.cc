#include "tests/server/shm/raw_session.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <utility>

#include "common/check.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"

namespace halflife {
namespace {

constexpr int kPatienceMilliseconds = 20'000;

FileDescriptor ConnectTo(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  HL_CHECK(path.size() < sizeof name.sun_path);
  std::memcpy(name.sun_path, path.data(), path.size());
  FileDescriptor connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  HL_CHECK(connect(connection.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  return connection;
}

std::vector<BlockHash> ChainOf(int seed, int count) {
  std::vector<BlockHash> chain(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    const int words[2] = {seed, i};
    std::memcpy(chain[static_cast<size_t>(i)].bytes.data(), words, sizeof words);
  }
  return chain;
}

}  // namespace

RawSession::RawSession(const std::string& door_path, const std::string& socket_path)
    : connection_(ConnectTo(door_path)) {
  if (socket_path.empty()) return;
  const auto channel =
      grpc::CreateChannel("unix:" + socket_path, grpc::InsecureChannelCredentials());
  cache_ = v1::CacheService::NewStub(channel);
  shared_ = v1::SharedMemoryService::NewStub(channel);
}

bool RawSession::Say(const std::vector<uint8_t>& bytes, const std::vector<int>& descriptors) {
  answer_ = {};
  if (!SendMessage(connection_.get(), bytes, descriptors).ok()) return false;
  pollfd wait{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  HL_CHECK(poll(&wait, 1, kPatienceMilliseconds) == 1);
  auto received = ReceiveMessage(connection_.get());
  if (received.ok()) answer_ = *std::move(received);
  return !answer_.bytes.empty();
}

bool RawSession::HearEnd() {
  pollfd wait{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  if (poll(&wait, 1, kPatienceMilliseconds) != 1) return false;
  const auto received = ReceiveMessage(connection_.get());
  return !received.ok() || received->bytes.empty();
}

bool RawSession::Enter(uint64_t staging_bytes) {
  if (!Say(EncodeHello({.staging_bytes = staging_bytes}))) return false;
  const auto welcome = DecodeWelcome(answer_.bytes);
  HL_CHECK(welcome.ok());
  welcome_ = *welcome;
  return welcome_.status == HandshakeStatus::kOk;
}

uint8_t* RawSession::MapStaging() const {
  void* const base =
      mmap(nullptr, welcome_.staging_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, staging_fd(), 0);
  HL_CHECK(base != MAP_FAILED);
  return static_cast<uint8_t*>(base);
}

void RawSession::OpenNamespace(const NamespaceDescriptor& descriptor) {
  descriptor_ = descriptor;
  v1::OpenNamespaceRequest request;
  *request.mutable_namespace_descriptor() = DescriptorToWire(descriptor);
  v1::OpenNamespaceResponse response;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  HL_CHECK(cache_->OpenNamespace(&context, request, &response).ok());
}

v1::LeaseBlocksRequest RawSession::LeaseOf(int seed, int count) const {
  v1::LeaseBlocksRequest request;
  request.set_session(welcome_.session.data(), welcome_.session.size());
  request.mutable_get()->set_namespace_id(std::string(NamespaceIdToWire(descriptor_.Id())));
  const auto chain = ChainOf(seed, count);
  *request.mutable_get()->mutable_chain() =
      ChainToWire({.hashes = chain, .first_depth = 0, .parent = {}, .group = 0});
  return request;
}

v1::CommitBlocksRequest RawSession::CommitOf(int seed, int count) const {
  v1::CommitBlocksRequest request;
  request.set_session(welcome_.session.data(), welcome_.session.size());
  request.mutable_header()->set_namespace_id(std::string(NamespaceIdToWire(descriptor_.Id())));
  const auto chain = ChainOf(seed, count);
  *request.mutable_header()->mutable_chain() =
      ChainToWire({.hashes = chain, .first_depth = 0, .parent = {}, .group = 0});
  for (int i = 0; i < count; ++i) {
    request.add_blocks()->set_offset(static_cast<uint64_t>(i) * descriptor_.block_bytes);
  }
  return request;
}

BlockIdentity RawSession::IdentityOf(int seed, int index) const {
  return {.ns = descriptor_.Id(), .hash = ChainOf(seed, index + 1).back(), .group = 0, .part = 0};
}

grpc::Status RawSession::Lease(const v1::LeaseBlocksRequest& request,
                               v1::LeaseBlocksResponse* response) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  return shared_->LeaseBlocks(&context, request, response);
}

grpc::Status RawSession::Commit(const v1::CommitBlocksRequest& request,
                                v1::CommitBlocksResponse* response) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  return shared_->CommitBlocks(&context, request, response);
}

grpc::Status RawSession::Release(const std::vector<uint64_t>& leases) {
  v1::ReleaseLeasesRequest request;
  request.set_session(welcome_.session.data(), welcome_.session.size());
  request.mutable_leases()->Add(leases.begin(), leases.end());
  v1::ReleaseLeasesResponse response;
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  return shared_->ReleaseLeases(&context, request, &response);
}

RawLine::RawLine(const std::string& door_path, const SessionToken& session)
    : connection_(ConnectTo(door_path)) {
  HL_CHECK(SendMessage(connection_.get(), EncodeLineHello({session}), {}).ok());
  const std::string answer = Hear();
  const auto status = DecodeAck({reinterpret_cast<const uint8_t*>(answer.data()), answer.size()});
  ok_ = status.ok() && *status == HandshakeStatus::kOk;
}

bool RawLine::Say(const std::string& packet) {
  return send(connection_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(packet.size());
}

std::string RawLine::Hear() {
  pollfd wait{.fd = connection_.get(), .events = POLLIN, .revents = 0};
  HL_CHECK(poll(&wait, 1, kPatienceMilliseconds) == 1);
  std::string packet(kMaxLineBytes, '\0');
  const ssize_t size = recv(connection_.get(), packet.data(), packet.size(), 0);
  packet.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return packet;
}

uint32_t RawLine::Call(LineMethod method, const google::protobuf::MessageLite& request,
                       google::protobuf::MessageLite* response) {
  HL_CHECK(Say(EncodeLineCall(method, ++number_, request)));
  const std::string packet = Hear();
  const auto answer = DecodeLineAnswer(packet);
  HL_CHECK(answer.ok() && answer->number == number_);
  if (answer->code == 0) {
    HL_CHECK(response->ParseFromArray(answer->body.data(), static_cast<int>(answer->body.size())));
  }
  return answer->code;
}

}  // namespace halflife
