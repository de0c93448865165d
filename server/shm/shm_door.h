#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "proto/wire/descriptor_passing.h"
#include "server/shm/shm_session.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// The socket of the shared-memory handshake: admits clients of the daemon's own user, hands them
// the memory, and notices when their connections close. One thread of its own, which sleeps while
// nothing happens; no client can make it wait. Thread-safe.
class ShmDoor {
 public:
  struct Options {
    std::string path;  // of the socket; mode 0660
    ArenaShare share;  // descriptors are borrowed
    ShmSessions::Options sessions;
  };
  // Runs on the door's thread when a session's connection has closed, once per session.
  using OnClosed = std::function<void(const ShmSession&)>;

  // A socket file that is there already is removed: the caller holds the lock that proves it is
  // stale. Returns: kUnavailable if it cannot be bound, kInvalidArgument for a path that is too
  // long.
  static absl::StatusOr<std::unique_ptr<ShmDoor>> Open(Options options, OnClosed on_closed);
  ~ShmDoor();

  // Admits nobody any more and closes all sessions. Idempotent.
  void Stop();

  ShmSessions& sessions() { return sessions_; }
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  // A client that is connected; without a session until it has said hello.
  struct Visitor {
    FileDescriptor connection;
    ShmSessionRef session;
    int64_t since_ns = 0;
  };

  ShmDoor(Options options, OnClosed on_closed, FileDescriptor listener, FileDescriptor wake);

  // Waits for something to happen and handles it; the step of the thread.
  bool Step();
  void Admit();
  // False if the visitor has to go.
  bool Hear(Visitor& visitor);
  bool Welcome(Visitor& visitor, const PassedMessage& message);
  void Leave(Visitor& visitor);
  void DropSilent(int64_t now_ns);

  const Options options_;
  const OnClosed on_closed_;
  ShmSessions sessions_;
  FileDescriptor listener_;
  const FileDescriptor wake_;  // eventfd: readable once Stop was called
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> refused_{0};

  std::vector<Visitor> visitors_;  // touched by the thread only, and by Stop after it
  std::unique_ptr<PeriodicTask> thread_;
};

}  // namespace halflife
