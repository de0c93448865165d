#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/file_descriptor.h"
#include "google/protobuf/message_lite.h"
#include "proto/wire/shm_line.h"

namespace halflife::client {

// A connection to the daemon on which calls go without gRPC: the caller's thread sends a packet and
// waits for the answer, 50 us where gRPC takes 250 (two cores, both idle). One call at a time; a
// line on which anything went wrong is of no further use. One thread at a time, but for Interrupt.
class ShmLine {
 public:
  // `path` of the handshake's socket; `session` is its token. Waits at most 100 ms. Returns:
  // kUnavailable if it cannot be made.
  static absl::StatusOr<std::shared_ptr<ShmLine>> Connect(const std::string& path,
                                                          const std::string& session);

  // False if the line is broken, or the message too long for it.
  bool Send(LineMethod method, const google::protobuf::MessageLite& message);
  // The answer to what was sent. The daemon's own refusals have its code. Returns also: kAborted if
  // the line is broken, kDeadlineExceeded; then usable() is false.
  absl::Status Receive(google::protobuf::MessageLite& response, int64_t timeout_ns);

  bool usable() const { return usable_; }
  // No answer is wanted any more.
  void GiveUp() { usable_ = false; }
  // Of a line whose Receive was not waited for to the end: true once the daemon has answered, or
  // has let go of the line, which it does behind the call. Does not wait.
  bool HasEnded() const;
  // Ends a Receive that waits. Any thread.
  void Interrupt();

 private:
  explicit ShmLine(FileDescriptor connection) : connection_(std::move(connection)) {}
  absl::Status Broken(const char* what);

  const FileDescriptor connection_;
  std::string packet_;
  uint32_t number_ = 0;
  bool usable_ = true;
};

}  // namespace halflife::client
