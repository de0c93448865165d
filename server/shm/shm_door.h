#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "common/executor.h"
#include "proto/wire/descriptor_passing.h"
#include "server/rpc/peer_policy.h"
#include "server/shm/shm_session.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// The socket of the shared-memory handshake: admits clients whom the policy allows, hands them the
// memory, and notices when their connections close. One thread of its own, which sleeps while
// nothing happens; no client can make it wait. Thread-safe.
class ShmDoor {
 public:
  struct Options {
    std::string path;  // of the socket; mode 0660
    ArenaShare share;  // descriptors are borrowed
    PeerPolicy peers;
    ShmSessions* sessions = nullptr;  // borrowed
  };
  // Both run on the door's thread.
  struct Events {
    // A session's connection has closed; once per session.
    std::function<void(const ShmSession&)> on_closed;
    // A client brings a line of its session. Returns: an error if there is no room for it.
    std::function<absl::Status(FileDescriptor, ShmSessionRef)> on_line;
  };

  // A socket file that is there already is removed: the caller holds the lock that proves it is
  // stale. Returns: kUnavailable if it cannot be bound, kInvalidArgument for a path that is too
  // long.
  static absl::StatusOr<std::unique_ptr<ShmDoor>> Open(Options options, Events events);
  ~ShmDoor();

  // Admits nobody any more and closes all sessions. Idempotent.
  void Stop();

  // Connections that got no session since start, by reason.
  struct Refused {
    uint64_t peer = 0;  // a user who is not allowed
    uint64_t full = 0;
    uint64_t malformed = 0;
  };
  Refused refused() const {
    return {.peer = refused_peers_.load(std::memory_order_relaxed),
            .full = refused_full_.load(std::memory_order_relaxed),
            .malformed = refused_malformed_.load(std::memory_order_relaxed)};
  }

 private:
  // A client that is connected. Until it has said what it wants, it is neither a session nor a
  // region.
  struct Visitor {
    FileDescriptor connection;
    ShmSessionRef session;
    ShmSessionRef region_of;
    uint32_t region = 0;
    int64_t since_ns = 0;
  };

  ShmDoor(Options options, Events events, FileDescriptor listener, FileDescriptor wake);

  static bool IsSilent(const Visitor& visitor) {
    return visitor.session == nullptr && visitor.region_of == nullptr;
  }
  // Waits for something to happen and handles it; the step of the thread.
  bool Step();
  // Returns whether the backlog was found empty.
  bool Admit();
  bool IsAllowed(int connection);
  // False if the visitor has to go.
  bool Hear(Visitor& visitor);
  bool Welcome(Visitor& visitor, const PassedMessage& message);
  void TakeLine(Visitor& visitor, const ShmLineHello& hello);
  bool TakeRegion(Visitor& visitor, const ShmRegionHello& hello, int file);
  ShmSessionRef SessionOf(const SessionToken& token) const;
  void Leave(Visitor& visitor);
  void DropUseless(int64_t now_ns);

  const Options options_;
  const Events events_;
  FileDescriptor listener_;
  const FileDescriptor wake_;  // eventfd: readable once Stop was called
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> refused_peers_{0}, refused_full_{0}, refused_malformed_{0};

  // Touched by the thread only, and by Stop after it.
  std::vector<Visitor> visitors_;
  absl::flat_hash_set<uid_t> named_uids_;  // refused and logged
  std::unique_ptr<PeriodicTask> thread_;
};

}  // namespace halflife
