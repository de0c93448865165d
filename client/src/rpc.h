#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/async_unary_call.h>
#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/src/completion_loop.h"

namespace halflife::client {

// One RPC under way. It keeps itself alive until its last event; whoever started it may let go at
// any time.
class Rpc {
 public:
  explicit Rpc(CompletionLoop& loop, int64_t timeout_ns);
  virtual ~Rpc() = default;

  // Any thread, any time. The RPC still ends by its last event.
  void Cancel() { context_.TryCancel(); }
  // Before it is started: what handles its events runs no code of the caller's.
  void LetAnybodyHandle() { for_anybody_ = true; }
  grpc::ClientContext& context() { return context_; }

 protected:
  CompletionLoop& loop_;
  grpc::ClientContext context_;
  bool for_anybody_ = false;
};

// One request, one response. `done` is short.
template <typename Response>
class UnaryRpc final : public Rpc,
                       public CompletionTag,
                       public std::enable_shared_from_this<UnaryRpc<Response>> {
 public:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  using Done = std::function<void(const grpc::Status&, const Response&)>;

  using Rpc::Rpc;

  // `reader` was prepared with context(); the caller has claimed the RPC with BeginRpc. `done` runs
  // once, on the thread that handles the event.
  void Start(Reader reader, Done done) {
    self_ = this->shared_from_this();
    done_ = std::move(done);
    reader_ = std::move(reader);
    reader_->StartCall();
    reader_->Finish(&response_, &status_, this->tag());
  }

  bool is_for_anybody() const override { return for_anybody_; }

  void OnEvent(bool /*ok: always true for Finish*/) override {
    const auto self = std::move(self_);
    const Done done = std::move(done_);
    done(status_, response_);
    loop_.EndRpc();
  }

 private:
  std::shared_ptr<UnaryRpc> self_;
  Done done_;
  Reader reader_;
  Response response_;
  grpc::Status status_;
};

// A stream of raw messages both ways: at most one write and one read are under way at a time, and a
// read always is, because its end tells the end of the stream. A read message is held until the
// handler has returned, and only then is the next one asked for: a slow receiver slows the sender
// through HTTP/2's flow control.
class StreamRpc final : public Rpc, public std::enable_shared_from_this<StreamRpc> {
 public:
  // One call after the other, on the thread that handles the event (CompletionLoop). No call after
  // OnEnd.
  class Handler {
   public:
    virtual ~Handler() = default;
    // The last write was taken by the transport; the next one may begin.
    virtual void OnWritten() {}
    // Returns false to cancel the stream.
    virtual bool OnMessage(const grpc::ByteBuffer& message) = 0;
    virtual void OnEnd(const grpc::Status& status) = 0;
  };

  StreamRpc(CompletionLoop& loop, int64_t timeout_ns);

  // The caller has claimed the RPC with BeginRpc. `last`: nothing will be written after `first`.
  void Start(grpc::GenericStub& stub, const std::string& method, const grpc::ByteBuffer& first,
             bool last, std::shared_ptr<Handler> handler);
  // On the thread that handles its events, after the first OnWritten and while can_write().
  bool can_write() const { return !writing_ && !reads_done_; }
  void Write(const grpc::ByteBuffer& message, bool last);

 private:
  class Tag final : public CompletionTag {
   public:
    using Method = void (StreamRpc::*)(bool);
    Tag(StreamRpc* rpc, Method method) : rpc_(rpc), method_(method) {}
    void OnEvent(bool ok) override { (rpc_->*method_)(ok); }
    bool is_for_anybody() const override { return rpc_->for_anybody_; }

   private:
    StreamRpc* const rpc_;
    const Method method_;
  };

  void OnWriteEvent(bool ok);
  void OnReadEvent(bool ok);
  void OnFinishEvent(bool ok);
  void FinishIfQuiet();

  Tag write_tag_{this, &StreamRpc::OnWriteEvent};
  Tag read_tag_{this, &StreamRpc::OnReadEvent};
  Tag finish_tag_{this, &StreamRpc::OnFinishEvent};

  // Set by Start before the first event, then of whoever handles its events.
  std::shared_ptr<StreamRpc> self_;
  std::shared_ptr<Handler> handler_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
  grpc::ByteBuffer received_;
  grpc::Status status_;
  bool writing_ = false;
  bool reads_done_ = false;
};

}  // namespace halflife::client
