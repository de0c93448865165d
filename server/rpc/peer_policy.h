#pragma once

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"

namespace halflife {

// Who may connect to a Unix socket, by the credentials that the kernel attests (SO_PEERCRED): the
// modes of socket and directory say who can reach it, this says who is served. Immutable.
struct PeerPolicy {
  std::vector<uid_t> uids;
  std::vector<gid_t> gids;  // primary or supplementary

  // This process's own user and root, and what is given.
  static PeerPolicy OwnRootAnd(const std::vector<uint32_t>& uids,
                               const std::vector<uint32_t>& gids);

  // Returns: kPermissionDenied naming the peer's uid, gid and pid; kUnavailable if the kernel does
  // not tell them. `uid` is the peer's, if it is known.
  absl::Status Check(int connection, uid_t* uid) const;
};

}  // namespace halflife
