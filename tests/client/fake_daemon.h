#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/mutex.h"
#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::client {

// What a FakeDaemon does wrong.
enum class Lie {
  kNone,
  // Of Get.
  kWrongChecksum,
  kNoChecksum,
  kOtherBlocksBytes,  // bytes and checksum of another block, under the index asked for
  kFlippedBit,
  kWrongIndex,
  kWrongPart,
  kShortPayload,  // the stream ends well in the middle of a block
  kTooMuchPayload,
  kOtherBlockBytes,  // declares another length
  kGap,
  kEndlessEmptyFrames,
  kSameBlockForEver,
  kGarbageMessage,
  kHang,
  // Of the others.
  kWrongNamespaceId,  // OpenNamespace
  kLongerPrefix,      // Lookup: more blocks than asked for
  kRunsOutOfRange,    // Lookup
  kShortStatus,       // Put: says nothing of the last item
  kNoAnswer,          // Put: ends well without a response
  // Statuses of every call but OpenNamespace.
  kForgetsNamespace,
  kDraining,
  kNoRoom,
  kInvalidArgument,
  kDataLoss,
};

// An in-memory CacheService over generated stubs, written from the contract alone, that can lie.
// Its health service says that it is ready, whatever the lie. Thread-safe.
class FakeDaemon final : public v1::CacheService::Service {
 public:
  // Listens at once; aborts if it cannot.
  explicit FakeDaemon(const std::string& endpoint);
  ~FakeDaemon() override;

  void Tell(Lie lie) { lie_ = lie; }
  // Namespaces and blocks are gone, as after a restart without an SSD.
  void Forget();

  int opens() const { return opens_; }
  int lookups() const { return lookups_; }
  int releases() const { return releases_; }

  grpc::Status OpenNamespace(grpc::ServerContext* context, const v1::OpenNamespaceRequest* request,
                             v1::OpenNamespaceResponse* response) override;
  grpc::Status Lookup(grpc::ServerContext* context, const v1::LookupRequest* request,
                      v1::LookupResponse* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request,
                   grpc::ServerWriter<v1::GetResponse>* writer) override;
  grpc::Status Put(grpc::ServerContext* context, grpc::ServerReader<v1::PutRequest>* reader,
                   v1::PutResponse* response) override;
  grpc::Status Release(grpc::ServerContext* context, const v1::ReleaseRequest* request,
                       v1::ReleaseResponse* response) override;

 private:
  struct Stored {
    std::string payload;
    std::string checksum;
  };

  grpc::Status Refusal(const std::string& namespace_id);
  void WaitForCancel(grpc::ServerContext* context);
  bool SendBlock(v1::Frame first, const Stored& stored,
                 grpc::ServerWriter<v1::GetResponse>* writer);
  std::string KeyOf(const std::string& namespace_id, const std::string& hash, uint32_t part) const;

  std::atomic<Lie> lie_{Lie::kNone};
  std::atomic<int> opens_{0}, lookups_{0}, releases_{0};

  Mutex mutex_;
  std::map<std::string, v1::NamespaceDescriptor> namespaces_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Stored> blocks_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace halflife::client
