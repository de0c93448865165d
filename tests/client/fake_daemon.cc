#include "tests/client/fake_daemon.h"

#include <grpcpp/alarm.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <chrono>

#include "common/check.h"
#include "proto/wire/descriptor_wire.h"

namespace halflife::client {
namespace {

constexpr size_t kFrame = 3000;  // small, so that small blocks come in several

grpc::Status StatusOf(grpc::StatusCode code) { return grpc::Status(code, "fake"); }

}  // namespace

FakeDaemon::FakeDaemon(const std::string& endpoint) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(endpoint, grpc::InsecureServerCredentials());
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  HL_CHECK(server_ != nullptr);
  server_->GetHealthCheckService()->SetServingStatus("readiness", true);
}

FakeDaemon::~FakeDaemon() { server_->Shutdown(std::chrono::system_clock::now()); }

void FakeDaemon::Forget() {
  MutexLock lock(mutex_);
  namespaces_.clear();
  blocks_.clear();
}

std::string FakeDaemon::KeyOf(const std::string& namespace_id, const std::string& hash,
                              uint32_t part) const {
  return namespace_id + hash + std::to_string(part);
}

grpc::Status FakeDaemon::Refusal(const std::string& namespace_id) {
  switch (lie_.load()) {
    case Lie::kForgetsNamespace:
      return StatusOf(grpc::StatusCode::FAILED_PRECONDITION);
    case Lie::kDraining:
      return StatusOf(grpc::StatusCode::UNAVAILABLE);
    case Lie::kNoRoom:
      return StatusOf(grpc::StatusCode::RESOURCE_EXHAUSTED);
    case Lie::kInvalidArgument:
      return StatusOf(grpc::StatusCode::INVALID_ARGUMENT);
    case Lie::kDataLoss:
      return StatusOf(grpc::StatusCode::DATA_LOSS);
    default:
      break;
  }
  MutexLock lock(mutex_);
  if (namespaces_.count(namespace_id) > 0) return grpc::Status::OK;
  return StatusOf(grpc::StatusCode::FAILED_PRECONDITION);
}

// Returns when the client has given up. An alarm that never fires in time is a wait that a
// cancellation cannot end, so it asks again in short steps.
void FakeDaemon::WaitForCancel(grpc::ServerContext* context) {
  grpc::CompletionQueue queue;
  void* tag = nullptr;
  bool ok = false;
  while (!context->IsCancelled()) {
    queue.AsyncNext(&tag, &ok, std::chrono::system_clock::now() + std::chrono::milliseconds(2));
  }
}

grpc::Status FakeDaemon::OpenNamespace(grpc::ServerContext* context,
                                       const v1::OpenNamespaceRequest* request,
                                       v1::OpenNamespaceResponse* response) {
  ++opens_;
  if (lie_ == Lie::kHang) {
    WaitForCancel(context);
    return grpc::Status::CANCELLED;
  }
  const auto descriptor = DescriptorFromWire(request->namespace_descriptor());
  HL_CHECK(descriptor.ok());
  NamespaceId id = descriptor->Id();
  {
    MutexLock lock(mutex_);
    namespaces_[std::string(AsText(id.bytes))] = request->namespace_descriptor();
  }
  if (lie_ == Lie::kWrongNamespaceId) id.bytes[0] ^= 1;
  response->set_namespace_id(std::string(AsText(id.bytes)));
  response->set_block_bytes(descriptor->block_bytes);
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::Lookup(grpc::ServerContext* context, const v1::LookupRequest* request,
                                v1::LookupResponse* response) {
  ++lookups_;
  if (lie_ == Lie::kHang) WaitForCancel(context);
  if (grpc::Status refusal = Refusal(request->namespace_id()); !refusal.ok()) return refusal;
  const std::string& hashes = request->chain().hashes();
  const uint32_t blocks = static_cast<uint32_t>(hashes.size() / 32);
  std::string bitmap((blocks + 7) / 8, '\0');
  uint32_t prefix = 0;
  {
    MutexLock lock(mutex_);
    for (uint32_t i = 0; i < blocks; ++i) {
      if (blocks_.count(KeyOf(request->namespace_id(), hashes.substr(32 * i, 32), 0)) == 0)
        continue;
      bitmap[i / 8] = static_cast<char>(bitmap[i / 8] | 1 << (i % 8));
      if (prefix == i) ++prefix;
    }
  }
  response->set_blocks(blocks);
  response->set_bitmap(bitmap);
  response->set_prefix_blocks(prefix + (lie_ == Lie::kLongerPrefix ? blocks + 1 : 0));
  if (prefix < blocks) response->set_miss_reason(v1::MISS_REASON_NEVER_SEEN);
  if (prefix > 0) {
    auto* const run = response->add_runs();
    run->set_count(prefix);
    run->set_tier(v1::TIER_DRAM);
  }
  if (lie_ == Lie::kRunsOutOfRange) response->add_runs()->set_count(UINT32_MAX);
  if (request->pin() && prefix > 0) {
    response->set_lease_id(0x1234567890abcdef);
    response->set_pinned_blocks(prefix);
  }
  return grpc::Status::OK;
}

bool FakeDaemon::SendBlock(v1::Frame first, const Stored& stored,
                           grpc::ServerWriter<v1::GetResponse>* writer) {
  const Lie lie = lie_;
  std::string payload = stored.payload;
  first.set_block_bytes(payload.size() + (lie == Lie::kOtherBlockBytes ? 1 : 0));
  if (lie != Lie::kNoChecksum) first.set_checksum(stored.checksum);
  if (lie == Lie::kWrongChecksum) (*first.mutable_checksum())[3] ^= 1;
  if (lie == Lie::kFlippedBit) payload[payload.size() / 2] ^= 4;
  if (lie == Lie::kWrongIndex) first.set_index(first.index() + 1000);
  if (lie == Lie::kWrongPart) first.set_part(first.part() + 1);
  if (lie == Lie::kTooMuchPayload) payload += "more";
  if (lie == Lie::kShortPayload) payload.resize(payload.size() - 1);
  for (size_t offset = 0; offset < payload.size(); offset += kFrame) {
    v1::GetResponse response;
    v1::Frame& frame = *response.mutable_frame();
    if (offset == 0) frame = first;
    frame.set_index(first.index());
    frame.set_part(first.part());
    frame.set_offset(offset + (lie == Lie::kGap && offset > 0 ? 1 : 0));
    frame.set_payload(payload.substr(offset, kFrame));
    if (!writer->Write(response)) return false;
  }
  return true;
}

grpc::Status FakeDaemon::Get(grpc::ServerContext* context, const v1::GetRequest* request,
                             grpc::ServerWriter<v1::GetResponse>* writer) {
  if (grpc::Status refusal = Refusal(request->namespace_id()); !refusal.ok()) return refusal;
  const Lie lie = lie_;
  v1::GetResponse garbage;
  garbage.mutable_frame()->set_checksum("not sixteen bytes");
  if (lie == Lie::kGarbageMessage) writer->Write(garbage);
  if (lie == Lie::kEndlessEmptyFrames) {
    v1::GetResponse empty;
    empty.mutable_frame();
    while (writer->Write(empty)) {
    }
    return grpc::Status::OK;
  }
  if (lie == Lie::kHang) WaitForCancel(context);
  const std::string& hashes = request->chain().hashes();
  const uint32_t blocks = static_cast<uint32_t>(hashes.size() / 32);
  const uint32_t part_count = std::max(1u, request->parts().count());
  for (uint32_t i = 0; i < blocks * part_count; ++i) {
    const uint32_t nth = i / part_count;
    v1::Frame first;
    first.set_index(request->order() == v1::ORDER_DESC ? blocks - 1 - nth : nth);
    first.set_part(request->parts().first() + i % part_count);
    const uint32_t source =
        lie == Lie::kOtherBlocksBytes ? (first.index() + 1) % blocks : first.index();
    Stored stored;
    {
      MutexLock lock(mutex_);
      const auto found = blocks_.find(
          KeyOf(request->namespace_id(), hashes.substr(32 * source, 32), first.part()));
      if (found != blocks_.end()) stored = found->second;
    }
    if (stored.payload.empty()) {
      v1::GetResponse miss;
      first.set_status(v1::BLOCK_STATUS_MISS);
      *miss.mutable_frame() = first;
      writer->Write(miss);
      if (request->order() != v1::ORDER_DESC) return grpc::Status::OK;
      continue;
    }
    if (!SendBlock(first, stored, writer)) return grpc::Status::CANCELLED;
    if (lie == Lie::kShortPayload) return grpc::Status::OK;
    while (lie == Lie::kSameBlockForEver && SendBlock(first, stored, writer)) {
    }
  }
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::Put(grpc::ServerContext* context,
                             grpc::ServerReader<v1::PutRequest>* reader,
                             v1::PutResponse* response) {
  v1::PutRequest message;
  if (!reader->Read(&message)) return StatusOf(grpc::StatusCode::INVALID_ARGUMENT);
  const v1::PutHeader header = message.header();
  if (grpc::Status refusal = Refusal(header.namespace_id()); !refusal.ok()) return refusal;
  if (lie_ == Lie::kHang) WaitForCancel(context);
  const std::string& hashes = header.chain().hashes();
  const uint32_t part_count = std::max(1u, header.parts().count());
  std::string status(hashes.size() / 32 * part_count, '\0');
  Stored stored;
  uint64_t block_bytes = 0;
  while (reader->Read(&message)) {
    const v1::Frame& frame = message.frame();
    if (frame.offset() == 0) {
      stored = {.payload = "", .checksum = frame.checksum()};
      block_bytes = frame.block_bytes();
    }
    HL_CHECK(frame.offset() == stored.payload.size());
    stored.payload += frame.payload();
    if (stored.payload.size() < block_bytes) continue;
    const uint32_t item = frame.index() * part_count + frame.part() - header.parts().first();
    MutexLock lock(mutex_);
    const bool is_new = blocks_
                            .emplace(KeyOf(header.namespace_id(),
                                           hashes.substr(32 * frame.index(), 32), frame.part()),
                                     stored)
                            .second;
    status[item] = static_cast<char>(is_new ? v1::PUT_STATUS_STORED : v1::PUT_STATUS_DUPLICATE);
    response->set_stored(response->stored() + (is_new ? 1 : 0));
    response->set_duplicates(response->duplicates() + (is_new ? 0 : 1));
  }
  if (lie_ == Lie::kShortStatus) status.pop_back();
  if (lie_ == Lie::kNoAnswer) status.clear();
  response->set_status(status);
  return grpc::Status::OK;
}

grpc::Status FakeDaemon::Release(grpc::ServerContext* /*context*/,
                                 const v1::ReleaseRequest* request, v1::ReleaseResponse* response) {
  response->set_released(request->lease_id() == 0x1234567890abcdef);
  ++releases_;
  return grpc::Status::OK;
}

}  // namespace halflife::client
