#include "server/admin/sample_stream.h"

namespace halflife {

SampleStream::SampleStream(const BlockStore& store, uint64_t capacity_bytes, OpenStreams open)
    : open_(std::move(open)), sample_(store.SampledRequests()) {
  if (open_->fetch_add(1) >= kMaxStreams) {
    Finish(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "two exports are under way already"));
    return;
  }
  FillHead(store, capacity_bytes);
  WriteNext();
}

void SampleStream::FillHead(const BlockStore& store, uint64_t capacity_bytes) {
  message_.set_sample_rate(sample_.rate());
  message_.set_capacity_bytes(capacity_bytes);
  for (const std::string& name : store.CategoryNames()) message_.add_categories(name);
  if (sample_.segments.empty()) return;
  const RequestSample::Request& first = sample_.segments.front()->requests.front();
  message_.set_lookup_blocks(sample_.lookup_blocks - first.lookup_blocks_before);
  message_.set_hit_blocks(sample_.hit_blocks - first.hit_blocks_before);
  message_.set_block_bytes(static_cast<uint64_t>(sample_.MeanBlockBytes()));
}

void SampleStream::WriteNext() {
  FillRequests();
  StartWrite(&message_);
}

void SampleStream::FillRequests() {
  if (next_segment_ == sample_.segments.size()) return;
  const RequestSample::Segment& segment = *sample_.segments[next_segment_++];
  const int64_t start_ns = sample_.segments.front()->requests.front().time_ns;
  for (const RequestSample::Request& request : segment.requests) {
    v1::SampledRequest* message = message_.add_requests();
    message->set_time_seconds(static_cast<double>(request.time_ns - start_ns) / 1e9);
    message->set_category(request.category);
    message->set_chain_blocks(request.chain_blocks);
    message->set_block_tokens(request.block_tokens);
    for (const RequestSample::Reference& at : segment.ReferencesOf(request)) {
      message->add_blocks(at.block);
    }
  }
}

void SampleStream::OnWriteDone(bool ok) {
  if (!ok) {
    Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the reader is gone"));
  } else if (next_segment_ == sample_.segments.size()) {
    Finish(grpc::Status::OK);
  } else {
    message_.Clear();
    WriteNext();
  }
}

void SampleStream::OnDone() {
  open_->fetch_sub(1);
  delete this;
}

}  // namespace halflife
