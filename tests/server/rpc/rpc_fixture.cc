#include "tests/server/rpc/rpc_fixture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/check.h"
#include "common/limits.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"

namespace halflife {

RpcFixture::RpcFixture() {
  std::string pattern = (std::filesystem::temp_directory_path() / "halflife-rpc-XXXXXX").string();
  HL_CHECK(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  options_.unix_path = directory_ + "/halflife.sock";
}

RpcFixture::~RpcFixture() {
  StopServer();
  std::filesystem::remove_all(directory_);
}

void RpcFixture::StartServer() {
  absl::StatusOr<std::unique_ptr<RpcServer>> server = RpcServer::Start(
      options_, {.store = serving_, .io = io_.get(), .clock = &clock_, .extra_services = {}});
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  channel_ = NewChannel();
  stub_ = v1::CacheService::NewStub(channel_);
}

void RpcFixture::StopServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::Seconds(10));
  stub_.reset();
  channel_.reset();
  server_.reset();
  // Every block that is still in the arena is one that the store holds.
  const uint64_t resident = store_->resident_blocks();
  EXPECT_EQ(store_->arena_stats().allocated_blocks, resident);
}

std::shared_ptr<grpc::Channel> RpcFixture::NewChannel(grpc::ChannelArguments arguments) const {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + options_.unix_path, grpc::InsecureChannelCredentials(),
                                   arguments);
}

NamespaceDescriptor RpcFixture::Model(uint64_t block_bytes, uint32_t parts) {
  NamespaceDescriptor descriptor;
  descriptor.engine = "vllm";
  descriptor.model_name = "test-model";
  descriptor.kv_dtype = "bf16";
  descriptor.tokens_per_block = 16;
  descriptor.block_bytes = block_bytes;
  descriptor.parts = parts;
  descriptor.hash_scheme = HashScheme::kHalflife;
  return descriptor;
}

void RpcFixture::Open(const NamespaceDescriptor& descriptor) {
  v1::OpenNamespaceRequest request;
  *request.mutable_namespace_descriptor() = DescriptorToWire(descriptor);
  v1::OpenNamespaceResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub_->OpenNamespace(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  descriptor_ = descriptor;
  ns_ = serving_->FindNamespace(descriptor.Id());
  ASSERT_NE(ns_, nullptr);
}

std::vector<BlockHash> RpcFixture::Chain(int seed, int blocks) {
  std::vector<BlockHash> chain;
  std::string text = "conversation " + std::to_string(seed);
  for (int i = 0; i < blocks; ++i) {
    chain.push_back(BlockHash{Sha256Of(text)});
    text = std::string(AsText(chain.back().bytes));
  }
  return chain;
}

std::string RpcFixture::BytesOf(const BlockHash& hash, uint16_t part) const {
  std::string bytes(descriptor_.block_bytes, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(hash.bytes[i % 32] + i / 32 + part);
  }
  return bytes;
}

BlockAddress RpcFixture::AddressOf(const BlockHash& hash, uint16_t part) const {
  const ChainSlice slice{.ns = ns_, .parent = std::nullopt, .hashes = absl::MakeSpan(&hash, 1)};
  return serving_->AddressOf(slice, 0, part);
}

v1::PutRequest RpcFixture::HeaderOf(const std::vector<BlockHash>& chain) const {
  v1::PutRequest request;
  request.mutable_header()->set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  *request.mutable_header()->mutable_chain() =
      ChainToWire({.hashes = chain, .parent = std::nullopt});
  request.mutable_header()->mutable_attributes()->set_app("chat");
  return request;
}

std::vector<v1::PutRequest> RpcFixture::FramesOf(uint32_t index, const BlockHash& hash,
                                                 uint16_t part) const {
  const std::string bytes = BytesOf(hash, part);
  std::vector<v1::PutRequest> frames;
  for (size_t offset = 0; offset < bytes.size(); offset += kFrameBytes) {
    v1::Frame* frame = frames.emplace_back().mutable_frame();
    frame->set_index(index);
    frame->set_part(part);
    frame->set_offset(offset);
    if (offset == 0) {
      const Digest128 checksum = PayloadChecksum(AddressOf(hash, part).identity, AsBytes(bytes));
      frame->set_block_bytes(bytes.size());
      frame->set_checksum(std::string(AsText(checksum)));
    }
    frame->set_payload(bytes.substr(offset, kFrameBytes));
  }
  return frames;
}

RpcFixture::PutAnswer RpcFixture::PutChain(const std::vector<BlockHash>& chain) {
  std::vector<v1::PutRequest> messages = {HeaderOf(chain)};
  for (uint32_t index = 0; index < chain.size(); ++index) {
    for (uint16_t part = 0; part < descriptor_.parts; ++part) {
      for (v1::PutRequest& frame : FramesOf(index, chain[index], part))
        messages.push_back(std::move(frame));
    }
  }
  return PutMessages(messages);
}

RpcFixture::PutAnswer RpcFixture::PutMessages(const std::vector<v1::PutRequest>& messages) {
  PutAnswer answer;
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientWriter<v1::PutRequest>> writer =
      stub_->Put(&context, &answer.response);
  for (const v1::PutRequest& message : messages) {
    if (!writer->Write(message)) break;
  }
  writer->WritesDone();
  answer.status = writer->Finish();
  return answer;
}

v1::GetRequest RpcFixture::GetOf(const std::vector<BlockHash>& chain, v1::Order order) const {
  v1::GetRequest request;
  request.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  *request.mutable_chain() = ChainToWire({.hashes = chain, .parent = std::nullopt});
  request.set_order(order);
  request.mutable_attributes()->set_app("chat");
  return request;
}

RpcFixture::GetAnswer RpcFixture::Get(const v1::GetRequest& request) {
  GetAnswer answer;
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientReader<v1::GetResponse>> reader = stub_->Get(&context, request);
  v1::GetResponse response;
  while (reader->Read(&response)) {
    const v1::Frame& frame = response.frame();
    ++answer.frames;
    answer.largest_frame = std::max(answer.largest_frame, frame.payload().size());
    if (frame.offset() == 0) {
      answer.blocks.push_back({frame.index(), frame.part(), frame.status(), "", frame.checksum()});
    }
    GotBlock& block = answer.blocks.back();
    EXPECT_EQ(block.index, frame.index());
    EXPECT_EQ(block.part, frame.part());
    EXPECT_EQ(block.bytes.size(), frame.offset());
    block.bytes += frame.payload();
  }
  answer.status = reader->Finish();
  return answer;
}

v1::LookupRequest RpcFixture::LookupOf(const std::vector<BlockHash>& chain) const {
  v1::LookupRequest request;
  request.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  *request.mutable_chain() = ChainToWire({.hashes = chain, .parent = std::nullopt});
  return request;
}

std::pair<grpc::Status, v1::LookupResponse> RpcFixture::Lookup(const v1::LookupRequest& request) {
  v1::LookupResponse response;
  grpc::ClientContext context;
  const grpc::Status status = stub_->Lookup(&context, request, &response);
  return {status, response};
}

uint64_t RpcFixture::Handled(RpcMethod method, grpc::StatusCode code) const {
  return server_->stats().methods[static_cast<int>(method)].handled[code];
}

void RpcFixture::AdvanceUntilCut(absl::Duration step) {
  WaitUntil(
      [&] {
        clock_.Advance(step);
        return server_->stats().open_streams() == 0;
      },
      "the stream to be cut");
}

}  // namespace halflife
