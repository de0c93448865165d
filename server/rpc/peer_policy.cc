#include "server/rpc/peer_policy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/status.h"

namespace halflife {
namespace {

template <typename Id>
bool Contains(const std::vector<Id>& ids, Id id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Supplementary groups; empty if the kernel does not tell (before Linux 4.13).
std::vector<gid_t> GroupsOf(int connection) {
  std::vector<gid_t> groups(64);
  for (int tries = 0; tries < 2; ++tries) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = getsockopt(connection, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    const bool too_small = result != 0 && errno == ERANGE;
    if (result != 0 && !too_small) return {};
    groups.resize(bytes / sizeof(gid_t));  // of both outcomes: how many there are
    if (!too_small) return groups;
  }
  return {};
}

}  // namespace

PeerPolicy PeerPolicy::OwnRootAnd(const std::vector<uint32_t>& uids,
                                  const std::vector<uint32_t>& gids) {
  PeerPolicy policy;
  policy.uids = {geteuid(), 0};
  policy.uids.insert(policy.uids.end(), uids.begin(), uids.end());
  policy.gids.assign(gids.begin(), gids.end());
  return policy;
}

absl::Status PeerPolicy::Check(int connection, uid_t* uid) const {
  ucred peer{};
  socklen_t bytes = sizeof peer;
  if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) {
    return absl::UnavailableError(
        absl::StrCat("the kernel does not tell who connected: ", std::strerror(errno)));
  }
  *uid = peer.uid;
  if (Contains(uids, peer.uid) || Contains(gids, peer.gid)) return absl::OkStatus();
  if (!gids.empty()) {
    for (const gid_t group : GroupsOf(connection)) {
      if (Contains(gids, group)) return absl::OkStatus();
    }
  }
  return absl::PermissionDeniedError(
      absl::StrCat("connection of uid ", peer.uid, ", gid ", peer.gid, ", pid ", peer.pid,
                   " refused; to serve it, add it to server.allowed_uids or server.allowed_gids"));
}

}  // namespace halflife
