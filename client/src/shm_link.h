#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/src/shm_memory.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "proto/wire/descriptor_passing.h"

namespace halflife::client {

// The connection on which a daemon hands its memory over, and which is the session. A thread of its
// own makes it, tries again once a second while it fails, and takes the memory out of use when it
// closes; callers only ask what there is. Thread-safe.
class ShmLink {
 public:
  // `staging_bytes`: wanted.
  explicit ShmLink(uint64_t staging_bytes);
  ~ShmLink();

  // There is a daemon that offers its memory at this path. Replaces an earlier offer; a link that
  // stands to the same path is left alone.
  void Offer(std::string path);
  // Null while there is no session.
  ShmMemoryRef memory() const;
  // Of the latest offer.
  std::string path() const;
  // True if there is a session, at once or within `timeout` of real time.
  bool WaitForMemory(absl::Duration timeout);
  // The daemon does not know the session any more: makes a new one.
  void Renew(const ShmMemoryRef& memory);
  // Idempotent; from then on there is no memory.
  void Stop();

 private:
  // One session, as the thread sees it.
  struct Session {
    FileDescriptor connection;
    ShmMemoryRef memory;
  };

  void Run();
  // Returns: whatever keeps it from being made.
  absl::StatusOr<Session> Connect(const std::string& path);
  // Returns when the connection has closed or the thread was woken.
  void Watch(const Session& session);
  void Sleep();
  void Wake();
  void Publish(ShmMemoryRef memory);

  const uint64_t staging_bytes_;
  const FileDescriptor wake_;  // eventfd

  mutable Mutex mutex_;
  CondVar published_;
  std::string path_ ABSL_GUARDED_BY(mutex_);
  ShmMemoryRef memory_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool renew_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<ThreadPool> thread_ ABSL_GUARDED_BY(mutex_);  // from the first offer on
};

}  // namespace halflife::client
