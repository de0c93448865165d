#pragma once

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "halflife/v1/cache.grpc.pb.h"

namespace halflife {

// The caller's end of one Fetch, made of the generated stub: says what it is told to, and reads
// only when it is asked to. Cancels on destruction what has not ended.
class FetchCaller {
 public:
  struct Block {
    uint32_t index = 0, part = 0;
    v1::BlockStatus status = v1::BLOCK_STATUS_UNSPECIFIED;
    std::string bytes;
    size_t frames = 0;

    bool is_miss() const { return status != v1::BLOCK_STATUS_UNSPECIFIED; }
  };

  explicit FetchCaller(v1::CacheService::Stub& stub) : stream_(stub.Fetch(&context_)) {}
  ~FetchCaller();

  bool Say(const v1::FetchRequest& request) { return stream_->Write(request); }
  bool Start(const v1::GetRequest& get, uint32_t window);
  bool Credit(uint32_t count);
  bool Floor(uint32_t index);
  bool Stop();
  // Nothing more will be said.
  void Close() { stream_->WritesDone(); }
  void Cancel() { context_.TryCancel(); }

  // The next block or miss; nullopt at the end of the stream, also if that cuts a block short.
  std::optional<Block> Next();
  // Indices of all that still comes.
  std::vector<uint32_t> Rest();
  // After the end.
  grpc::Status Finish();

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::FetchRequest, v1::FetchResponse>> stream_;
  bool finished_ = false;
};

}  // namespace halflife
