#include "tests/storage/ssd/fault_fs.h"

#include <utility>

namespace halflife {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultSequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  FaultSequentialFile(std::unique_ptr<FSSequentialFile>&& file, FaultFs* fs)
      : FSSequentialFileOwnerWrapper(std::move(file)), fs_(fs) {}

  IOStatus Read(size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* context) override {
    IOStatus fault = fs_->Next();
    return fault.ok() ? FSSequentialFileOwnerWrapper::Read(n, options, result, scratch, context)
                      : fault;
  }

 private:
  FaultFs* const fs_;
};

class FaultRandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultRandomAccessFile(std::unique_ptr<FSRandomAccessFile>&& file, FaultFs* fs)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), fs_(fs) {}

  IOStatus Read(uint64_t offset, size_t n, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* context) const override {
    IOStatus fault = fs_->Next();
    if (!fault.ok()) return fault;
    return FSRandomAccessFileOwnerWrapper::Read(offset, n, options, result, scratch, context);
  }

 private:
  FaultFs* const fs_;
};

class FaultWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(std::unique_ptr<FSWritableFile>&& file, FaultFs* fs)
      : FSWritableFileOwnerWrapper(std::move(file)), fs_(fs) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    IOStatus fault = fs_->NextThatTakesRoom();
    if (fault.ok()) return FSWritableFileOwnerWrapper::Append(data, options, context);
    // Half of it reaches the disk: a torn write.
    const Slice half(data.data(), data.size() / 2);
    FSWritableFileOwnerWrapper::Append(half, options, context).PermitUncheckedError();
    return fault;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* context) override {
    IOStatus fault = fs_->Next();
    return fault.ok() ? FSWritableFileOwnerWrapper::Flush(options, context) : fault;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    IOStatus fault = fs_->Next();
    return fault.ok() ? FSWritableFileOwnerWrapper::Flush(options, context) : fault;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    IOStatus fault = fs_->Next();
    return fault.ok() ? FSWritableFileOwnerWrapper::Flush(options, context) : fault;
  }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return fs_->Next();
  }
  IOStatus Close(const IOOptions& options, IODebugContext* context) override {
    IOStatus fault = fs_->Next();
    IOStatus closed = FSWritableFileOwnerWrapper::Close(options, context);
    return fault.ok() ? closed : fault;
  }

 private:
  FaultFs* const fs_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<FSDirectory>&& directory, FaultFs* fs)
      : FSDirectoryWrapper(std::move(directory)), fs_(fs) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return fs_->Next(); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return fs_->Next();
  }

 private:
  FaultFs* const fs_;
};

}  // namespace

void FaultFs::FailFrom(int nth, Kind kind, int times) {
  kind_ = kind;
  first_ = calls_ + nth;
  last_ = times == INT_MAX ? INT_MAX : first_ + times - 1;
}

IOStatus FaultFs::Next() {
  const int call = calls_++;
  if (call < first_ || call > last_) return IOStatus::OK();
  ++failed_;
  return kind_ == Kind::kNoSpace ? IOStatus::NoSpace("injected") : IOStatus::IOError("injected");
}

IOStatus FaultFs::NextThatTakesRoom() {
  IOStatus status = Next();
  if (!status.ok() || !full_) return status;
  ++failed_;
  return IOStatus::NoSpace("injected");
}

IOStatus FaultFs::NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                    IODebugContext* context) {
  IOStatus status = Next();
  if (!status.ok()) return status;
  status = FileSystemWrapper::NewSequentialFile(name, options, result, context);
  if (status.ok()) *result = std::make_unique<FaultSequentialFile>(std::move(*result), this);
  return status;
}

IOStatus FaultFs::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                      IODebugContext* context) {
  IOStatus status = Next();
  if (!status.ok()) return status;
  status = FileSystemWrapper::NewRandomAccessFile(name, options, result, context);
  if (status.ok()) *result = std::make_unique<FaultRandomAccessFile>(std::move(*result), this);
  return status;
}

IOStatus FaultFs::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                  std::unique_ptr<rocksdb::FSWritableFile>* result,
                                  IODebugContext* context) {
  IOStatus status = NextThatTakesRoom();
  if (!status.ok()) return status;
  status = FileSystemWrapper::NewWritableFile(name, options, result, context);
  if (status.ok()) *result = std::make_unique<FaultWritableFile>(std::move(*result), this);
  return status;
}

IOStatus FaultFs::NewDirectory(const std::string& name, const IOOptions& options,
                               std::unique_ptr<rocksdb::FSDirectory>* result,
                               IODebugContext* context) {
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, result, context);
  if (status.ok()) *result = std::make_unique<FaultDirectory>(std::move(*result), this);
  return status;
}

IOStatus FaultFs::RenameFile(const std::string& from, const std::string& to,
                             const IOOptions& options, IODebugContext* context) {
  IOStatus status = Next();
  return status.ok() ? FileSystemWrapper::RenameFile(from, to, options, context) : status;
}

IOStatus FaultFs::DeleteFile(const std::string& name, const IOOptions& options,
                             IODebugContext* context) {
  IOStatus status = Next();
  return status.ok() ? FileSystemWrapper::DeleteFile(name, options, context) : status;
}

std::unique_ptr<rocksdb::Env> EnvOver(const std::shared_ptr<FaultFs>& fs) {
  return rocksdb::NewCompositeEnv(fs);
}

}  // namespace halflife
