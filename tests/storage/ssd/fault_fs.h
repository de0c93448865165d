#pragma once

#include <atomic>
#include <climits>
#include <memory>

#include "rocksdb/env.h"
#include "rocksdb/file_system.h"

namespace halflife {

// A disk under RocksDB whose n-th call fails, once or from then on. Counts opens, reads, writes,
// syncs, renames and deletes. Syncs reach no medium: these tests do not need it and it would take
// most of their time. Thread-safe.
class FaultFs final : public rocksdb::FileSystemWrapper {
 public:
  enum class Kind { kIoError, kNoSpace };

  FaultFs() : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "FaultFs"; }

  // Counts from now: the n-th call (0 = the next) fails, and `times` - 1 calls after it.
  void FailFrom(int nth, Kind kind = Kind::kIoError, int times = INT_MAX);
  void Heal() {
    first_ = INT_MAX;
    full_ = false;
  }
  // Until Heal: what takes room fails, the rest goes on.
  void FillUp() { full_ = true; }
  int calls() const { return calls_; }
  int failed() const { return failed_; }
  // Not ok if this call is to fail.
  rocksdb::IOStatus Next();
  // The same for one that takes room.
  rocksdb::IOStatus NextThatTakesRoom();

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                        rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;

 private:
  std::atomic<int> calls_{0}, failed_{0}, first_{INT_MAX}, last_{INT_MAX};
  std::atomic<bool> full_{false};
  std::atomic<Kind> kind_{Kind::kIoError};
};

// An Env over RocksDB's own threads and clock with `fs` as its disk.
std::unique_ptr<rocksdb::Env> EnvOver(const std::shared_ptr<FaultFs>& fs);

}  // namespace halflife
