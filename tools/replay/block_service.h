#pragma once

#include "halflife/client.h"

namespace halflife::tools {

// What a replay needs of a daemon: the three verbs of the client library. Tests put a fake here.
// Thread-safe.
class BlockService {
 public:
  virtual ~BlockService() = default;

  virtual client::LookupResult Lookup(const client::LookupRequest& request) = 0;
  virtual client::GetResult Get(client::GetRequest request) = 0;
  virtual client::PutResult Put(client::PutRequest request) = 0;
};

// Through a client that outlives this.
class ClientBlockService final : public BlockService {
 public:
  explicit ClientBlockService(client::Client* client) : client_(client) {}

  client::LookupResult Lookup(const client::LookupRequest& request) override {
    return client_->Lookup(request);
  }
  client::GetResult Get(client::GetRequest request) override {
    return client_->Get(std::move(request));
  }
  client::PutResult Put(client::PutRequest request) override {
    return client_->Put(std::move(request));
  }

 private:
  client::Client* const client_;
};

}  // namespace halflife::tools
