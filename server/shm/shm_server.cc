#include "server/shm/shm_server.h"

#include <filesystem>
#include <utility>

#include "common/log.h"
#include "common/status.h"

namespace halflife {
namespace {

// For what calls do after their answer. Reached only if a disk hangs.
constexpr absl::Duration kReleaseTimeout = absl::Seconds(10);

}  // namespace

absl::StatusOr<std::unique_ptr<ShmServer>> ShmServer::Open(const Options& options,
                                                           BlockStore& store, Executor& io) {
  const ArenaShare share = store.Share();
  if (!share.possible()) return absl::UnimplementedError("shared memory: nothing to share");
  const std::string path = ShmSocketPath(options.main_socket_path);
  std::unique_ptr<ShmServer> server(new ShmServer);
  server->sessions_ = std::make_unique<ShmSessions>(options.sessions);
  server->environment_ =
      std::make_unique<ShmEnvironment>(store, io, *server->sessions_, options.max_read_bytes);
  server->service_ = std::make_unique<ShmService>(*server->environment_,
                                                  std::filesystem::path(path).filename().string());
  HL_ASSIGN_OR_RETURN(server->lines_, ShmLines::Open({}, *server->environment_));
  ShmLines* const lines = server->lines_.get();
  HL_ASSIGN_OR_RETURN(
      server->door_,
      ShmDoor::Open(
          {.path = path,
           .share = share,
           .peers = options.peers,
           .sessions = server->sessions_.get()},
          {.on_closed =
               [&store](const ShmSession& session) { store.ReleaseAllOf(session.number()); },
           .on_line =
               [lines](FileDescriptor connection, ShmSessionRef session) {
                 return lines->Add(std::move(connection), std::move(session));
               }}));
  return server;
}

void ShmServer::Stop() {
  door_->Stop();
  lines_->Stop();
  if (!environment_->calls.WaitUntilEmpty(kReleaseTimeout)) {
    Log(Severity::kError, "shm", "calls are still under way after the server has ended");
  }
}

ShmStats ShmServer::stats() const {
  ShmStats stats;
  stats.offered = true;
  stats.sessions = sessions_->count();
  stats.staging_bytes = sessions_->staging_bytes();
  stats.lines = lines_->count();
  const ShmDoor::Refused refused = door_->refused();
  stats.refused_peers = refused.peer;
  stats.refused_full = refused.full;
  stats.refused_malformed = refused.malformed;
  stats.leases = environment_->leases.load(std::memory_order_relaxed);
  stats.leased_blocks = environment_->leased_blocks.load(std::memory_order_relaxed);
  stats.commits = environment_->commits.load(std::memory_order_relaxed);
  stats.stored_blocks = environment_->stored_blocks.load(std::memory_order_relaxed);
  stats.refused_calls = environment_->refused_calls.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace halflife
