#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "common/executor.h"
#include "server/rpc/listen_socket.h"
#include "server/rpc/peer_policy.h"

namespace halflife {

// Accepts connections on a thread of its own and hands their descriptors on. Above the limit of
// connections, without a descriptor to spare, or from a peer that is not allowed, a connection is
// accepted and closed at once, so that its peer knows and the backlog stays short. Thread-safe.
class SocketAcceptor {
 public:
  struct Stats {
    uint64_t accepted = 0;
    uint64_t refused = 0;
    uint64_t forbidden = 0;  // by the policy
    uint64_t open = 0;
  };

  struct Admission {
    int max_connections = 0;
    PeerPolicy peers;  // of Unix sockets
  };
  // `take` gets a non-blocking descriptor and owns it from then on; it closes it itself, unseen
  // from here.
  SocketAcceptor(std::vector<ListenSocket> sockets, Admission admission,
                 std::function<void(int listener, int connection)> take);
  ~SocketAcceptor();

  // Accepts no more and closes the sockets. Idempotent.
  void Stop();

  int tcp_port() const { return tcp_port_; }
  Stats stats() const;

 private:
  // A connection that was handed on. Its descriptor number may have been closed and given to
  // something else since: the inode tells.
  struct Connection {
    int fd;
    uint64_t inode;
  };

  // Waits for connections and takes them in; the step of the accept thread.
  bool Step();
  void AcceptAll(const ListenSocket& socket);
  bool IsAllowed(const ListenSocket& socket, int connection);
  // False if there is no room.
  bool HasRoom();
  void ForgetClosed();
  void RefuseOne(int listener);

  const Admission admission_;
  const std::function<void(int, int)> take_;
  int tcp_port_ = 0;
  const FileDescriptor wake_;  // eventfd: readable once Stop was called
  std::atomic<bool> stopped_{false};

  // Touched by the accept thread only, and by Stop after it.
  std::vector<ListenSocket> sockets_;
  FileDescriptor
      reserve_;  // given up for a moment to accept and refuse when no other descriptor is left
  std::vector<Connection> connections_;
  std::set<uid_t> named_uids_;  // refused peers that the log names already

  std::atomic<uint64_t> accepted_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> forbidden_{0};
  std::atomic<uint64_t> open_{0};

  std::unique_ptr<PeriodicTask> accepting_;
};

}  // namespace halflife
