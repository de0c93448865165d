#include "tests/server/rpc/fetch_caller.h"

namespace halflife {

FetchCaller::~FetchCaller() {
  if (finished_) return;
  Cancel();
  Rest();
  Finish();
}

bool FetchCaller::Start(const v1::GetRequest& get, uint32_t window) {
  v1::FetchRequest request;
  *request.mutable_start()->mutable_get() = get;
  request.mutable_start()->set_window(window);
  return Say(request);
}

bool FetchCaller::Credit(uint32_t count) {
  v1::FetchRequest request;
  request.mutable_credit()->set_count(count);
  return Say(request);
}

bool FetchCaller::Floor(uint32_t index) {
  v1::FetchRequest request;
  request.mutable_floor()->set_index(index);
  return Say(request);
}

bool FetchCaller::Stop() {
  v1::FetchRequest request;
  request.mutable_stop();
  return Say(request);
}

std::optional<FetchCaller::Block> FetchCaller::Next() {
  Block block;
  uint64_t block_bytes = 0;
  v1::FetchResponse response;
  while (stream_->Read(&response)) {
    const v1::Frame& frame = response.frame();
    ++block.frames;
    if (block.frames == 1) block_bytes = frame.block_bytes();
    block.index = frame.index();
    block.part = frame.part();
    block.status = frame.status();
    block.bytes += frame.payload();
    if (block.bytes.size() == block_bytes) return block;
  }
  return std::nullopt;
}

std::vector<uint32_t> FetchCaller::Rest() {
  std::vector<uint32_t> indices;
  while (const std::optional<Block> block = Next()) indices.push_back(block->index);
  return indices;
}

grpc::Status FetchCaller::Finish() {
  finished_ = true;
  return stream_->Finish();
}

}  // namespace halflife
