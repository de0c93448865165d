#pragma once

#include "halflife/client.h"

namespace halflife::tools {

// What replays and benchmarks need of a daemon: verbs of the client library. Tests put a fake here.
// Thread-safe.
class BlockService {
 public:
  virtual ~BlockService() = default;

  virtual client::LookupResult Lookup(const client::LookupRequest& request) = 0;
  virtual client::GetResult Get(client::GetRequest request) = 0;
  virtual client::PutResult Put(client::PutRequest request) = 0;
  // As Client::Delete: blocks dropped, or -1.
  virtual int64_t Delete(const client::NamespaceHandle& ns, client::View<client::Hash> chain) = 0;
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
  int64_t Delete(const client::NamespaceHandle& ns, client::View<client::Hash> chain) override {
    return client_->Delete(ns, chain);
  }

 private:
  client::Client* const client_;
};

}  // namespace halflife::tools
