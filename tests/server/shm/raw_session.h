#pragma once

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "common/block/block_id.h"
#include "common/block/namespace_descriptor.h"
#include "halflife/v1/cache.grpc.pb.h"
#include "halflife/v1/shared_memory.grpc.pb.h"
#include "proto/wire/descriptor_passing.h"
#include "proto/wire/shm_handshake.h"
#include "proto/wire/shm_line.h"

namespace halflife {

// A client of the handshake and of the generated stubs alone, which does what the library never
// would. Waits for answers at most 20 s.
class RawSession {
 public:
  // Connects to the door, and to the main socket unless its path is empty.
  RawSession(const std::string& door_path, const std::string& socket_path);

  // One packet; false if the daemon closed the connection instead of answering.
  bool Say(const std::vector<uint8_t>& bytes, const std::vector<int>& descriptors = {});
  // The hello of a good client, and what it gets. True if it was welcome.
  bool Enter(uint64_t staging_bytes);
  // Writable view of the staging memory.
  uint8_t* MapStaging() const;

  void OpenNamespace(const NamespaceDescriptor& descriptor);
  // The message that leases `count` blocks of chain `seed`, and the one that commits them from
  // offset 0 on.
  v1::LeaseBlocksRequest LeaseOf(int seed, int count) const;
  v1::CommitBlocksRequest CommitOf(int seed, int count) const;
  BlockIdentity IdentityOf(int seed, int index) const;

  grpc::Status Lease(const v1::LeaseBlocksRequest& request, v1::LeaseBlocksResponse* response);
  grpc::Status Commit(const v1::CommitBlocksRequest& request, v1::CommitBlocksResponse* response);
  grpc::Status Release(const std::vector<uint64_t>& leases);
  // True if the daemon closes the connection.
  bool HearEnd();
  // The connection closes, as if the process had died.
  void Die() { connection_.Close(); }

  const PassedMessage& answer() const { return answer_; }
  const ShmWelcome& welcome() const { return welcome_; }
  int arena_fd() const { return answer_.descriptors[0].get(); }
  int generations_fd() const { return answer_.descriptors[1].get(); }
  int staging_fd() const { return answer_.descriptors[2].get(); }

 private:
  FileDescriptor connection_;
  PassedMessage answer_;
  ShmWelcome welcome_;
  NamespaceDescriptor descriptor_;
  std::unique_ptr<v1::CacheService::Stub> cache_;
  std::unique_ptr<v1::SharedMemoryService::Stub> shared_;
};

// A line, spoken by hand. Waits for answers at most 20 s.
class RawLine {
 public:
  // True with Ok() if the daemon took it.
  RawLine(const std::string& door_path, const SessionToken& session);
  bool ok() const { return ok_; }

  bool Say(const std::string& packet);
  // Empty if the daemon has closed the line.
  std::string Hear();
  // Says and hears one call. Returns its code.
  uint32_t Call(LineMethod method, const google::protobuf::MessageLite& request,
                google::protobuf::MessageLite* response);
  uint32_t Lease(const v1::LeaseBlocksRequest& request, v1::LeaseBlocksResponse* response) {
    return Call(LineMethod::kLeaseBlocks, request, response);
  }

 private:
  FileDescriptor connection_;
  uint32_t number_ = 0;
  bool ok_ = false;
};

}  // namespace halflife
