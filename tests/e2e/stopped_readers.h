#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <vector>

#include "halflife/v1/cache.grpc.pb.h"

namespace halflife::e2e {

// Clients that ask for blocks and then never read the answer, each on a connection of its own. Not
// thread-safe.
class StoppedReaders {
 public:
  StoppedReaders(const std::string& endpoint, int count);
  ~StoppedReaders();

  // Every reader whose stream has been waiting asks again on a new one.
  void Ask(const v1::GetRequest& request);

 private:
  struct Reader {
    std::unique_ptr<v1::CacheService::Stub> stub;
    std::unique_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientReader<v1::GetResponse>> stream;
  };
  static void End(Reader& reader);

  std::vector<Reader> readers_;
};

}  // namespace halflife::e2e
