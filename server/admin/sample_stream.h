#pragma once

#include <atomic>
#include <memory>

#include <grpcpp/grpcpp.h>
#include "halflife/v1/admin.pb.h"
#include "storage/block_store.h"

namespace halflife {

// One answer to ExportRequests under way: writes a message per segment of a sample, each when the
// one before has gone. Deletes itself.
class SampleStream final : public grpc::ServerWriteReactor<v1::ExportRequestsResponse> {
 public:
  // A reader that stands still holds a snapshot of the sample: at most so many at a time.
  static constexpr int kMaxStreams = 2;
  using OpenStreams = std::shared_ptr<std::atomic<int>>;

  // Begins to write at once, or ends with RESOURCE_EXHAUSTED. `capacity_bytes`: of both tiers.
  SampleStream(const BlockStore& store, uint64_t capacity_bytes, OpenStreams open);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  void WriteNext();
  void FillHead(const BlockStore& store, uint64_t capacity_bytes);
  void FillRequests();

  const OpenStreams open_;
  const RequestSample::Snapshot sample_;
  size_t next_segment_ = 0;
  v1::ExportRequestsResponse message_;
};

}  // namespace halflife
