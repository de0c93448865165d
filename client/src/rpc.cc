#include "client/src/rpc.h"

#include <chrono>

namespace halflife::client {

Rpc::Rpc(CompletionLoop& loop, int64_t timeout_ns) : loop_(loop) {
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::nanoseconds(timeout_ns));
}

StreamRpc::StreamRpc(CompletionLoop& loop, int64_t timeout_ns) : Rpc(loop, timeout_ns) {
  // Metadata leaves together with the first message.
  context_.set_initial_metadata_corked(true);
}

void StreamRpc::Start(grpc::GenericStub& stub, const std::string& method,
                      const grpc::ByteBuffer& first, bool last, std::shared_ptr<Handler> handler) {
  self_ = shared_from_this();
  handler_ = std::move(handler);
  stream_ = stub.PrepareCall(&context_, method, loop_.queue());
  stream_->StartCall(nullptr);  // corked: no event
  writing_ = true;
  // From here on events may run on another thread; they touch no member that is set below.
  grpc::GenericClientAsyncReaderWriter& stream = *stream_;
  grpc::WriteOptions options;
  if (last) options.set_last_message();
  stream.Write(first, options, write_tag_.tag());
  stream.Read(&received_, read_tag_.tag());
}

void StreamRpc::Write(const grpc::ByteBuffer& message, bool last) {
  writing_ = true;
  grpc::WriteOptions options;
  if (last) options.set_last_message();
  stream_->Write(message, options, write_tag_.tag());
}

void StreamRpc::OnWriteEvent(bool ok) {
  writing_ = false;
  // After a failed write the stream is broken: the read that is under way will say so.
  if (ok && !reads_done_) handler_->OnWritten();
  FinishIfQuiet();
}

void StreamRpc::OnReadEvent(bool ok) {
  if (!ok) {
    reads_done_ = true;
    FinishIfQuiet();
    return;
  }
  if (!handler_->OnMessage(received_)) Cancel();
  received_.Clear();
  stream_->Read(&received_, read_tag_.tag());
}

void StreamRpc::FinishIfQuiet() {
  if (reads_done_ && !writing_) stream_->Finish(&status_, finish_tag_.tag());
}

void StreamRpc::OnFinishEvent(bool /*ok: always true for Finish*/) {
  const auto self = std::move(self_);
  const std::shared_ptr<Handler> handler = std::move(handler_);
  handler->OnEnd(status_);
  loop_.EndRpc();
}

}  // namespace halflife::client
