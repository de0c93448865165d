#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "client/src/get_call.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// Items that are on their way at a time if the caller does not say how many. While half of them
// come, a credit for the other half must get to the daemon: with 512 KiB it often had to wait
// (bench/README.md).
uint32_t UsualWindow(uint64_t block_bytes);

// One Fetch: receives as a Get does, and tells the daemon what its caller says meanwhile. An item
// of which nothing more comes is a credit that goes back, half a window of them in one message: the
// other half keeps the daemon busy meanwhile. Messages are written by the thread that handles the
// stream's events; whoever wants one written wakes it (Nudge).
class FetchCall final : public GetCall {
 public:
  FetchCall(ClientCore& core, GetRequest request, uint32_t window,
            std::shared_ptr<NamespaceState> ns, Done done);

  // Any thread, any time.
  void SetFloor(uint32_t block);
  void Stop();
  Outcome StateOf(size_t item);

 private:
  class Nudge;

  // What the daemon knows already, of this attempt.
  struct Said {
    uint32_t floor = 0;
    uint64_t credits = 0;
    bool stopped = false;
  };

  void StartRpc() override;
  void Deliver(Outcome outcome) override;
  void OnWritten() override;
  bool OnMessage(const grpc::ByteBuffer& message) override;
  void OnEnd(const grpc::Status& status) override;

  void WakeWriter();
  void WriteNext();
  // What the daemon should be told next.
  std::optional<v1::FetchRequest> NextMessage();

  // Constant after construction.
  const uint64_t window_;
  const uint64_t credits_per_message_;

  // Of the thread that handles events.
  std::shared_ptr<StreamRpc> stream_;
  bool open_ = false;  // the first message has been written
  Said said_;

  uint32_t floor_ ABSL_GUARDED_BY(mutex()) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex()) = false;
  bool nudged_ ABSL_GUARDED_BY(mutex()) = false;
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mutex());  // once it has ended
};

}  // namespace halflife::client
