#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "common/file_descriptor.h"
#include "common/mutex.h"
#include "proto/wire/shm_line.h"
#include "server/shm/shm_environment.h"

namespace halflife {

// The lines of all sessions: connections on which calls of SharedMemoryService come without gRPC.
// One thread reads them all and answers at once what needs neither disk nor copy; the rest runs on
// the I/O executor. A line has one call at a time; whoever does not keep to that is shut out.
// Thread-safe.
class ShmLines {
 public:
  struct Options {
    size_t max_lines = 512;
    size_t max_lines_per_session = 16;
  };

  // Borrows `environment`. Returns: kUnavailable if the kernel has no descriptor left.
  static absl::StatusOr<std::unique_ptr<ShmLines>> Open(const Options& options,
                                                        ShmEnvironment& environment);
  ~ShmLines();

  // Takes a connection that has said whose it is. Returns: kResourceExhausted at a limit.
  absl::Status Add(FileDescriptor connection, ShmSessionRef session);
  // Closes all. Calls that run on the I/O executor answer nobody. Idempotent.
  void Stop();

  size_t count() const;

 private:
  struct Line {
    Line(FileDescriptor open_connection, ShmSessionRef its_session)
        : connection(std::move(open_connection)), session(std::move(its_session)) {}
    const FileDescriptor connection;
    const ShmSessionRef session;
    std::atomic<bool> busy{false};
  };
  using LineRef = std::shared_ptr<Line>;

  ShmLines(const Options& options, ShmEnvironment& environment, FileDescriptor epoll,
           FileDescriptor wake);

  bool Step();
  // False if the line is to be closed.
  bool Hear(const LineRef& line);
  void Lease(const LineRef& line, const LineCall& call);
  void Commit(const LineRef& line, const LineCall& call);
  void Copy(const LineRef& line, const LineCall& call);
  void Fail(const LineRef& line, uint32_t number, const absl::Status& status);
  // False if it could not be sent: the client is gone, or does not read.
  static bool Send(const LineRef& line, const std::string& packet);
  void Close(uint64_t id);
  // Lines of sessions that are gone: all they still get is a refusal.
  void CloseOrphans();

  const Options options_;
  ShmEnvironment& environment_;
  const FileDescriptor epoll_;
  const FileDescriptor wake_;  // eventfd: readable once Stop was called
  std::atomic<bool> stopped_{false};

  mutable Mutex mutex_;
  std::map<uint64_t, LineRef> lines_ ABSL_GUARDED_BY(mutex_);  // by id
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;

  std::string packet_;  // of the thread
  std::unique_ptr<PeriodicTask> thread_;
};

}  // namespace halflife
