#pragma once

#include <memory>
#include <utility>

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
  // `fetches`: a Get is a Fetch, last block first, with the usual window.
  explicit ClientBlockService(client::Client* client, bool fetches = false)
      : client_(client), fetches_(fetches) {}

  client::LookupResult Lookup(const client::LookupRequest& request) override {
    return client_->Lookup(request);
  }
  client::GetResult Get(client::GetRequest request) override {
    if (!fetches_) return client_->Get(std::move(request));
    request.order = client::Order::kDescending;
    return client_->Fetch(std::move(request))->Wait();
  }
  client::PutResult Put(client::PutRequest request) override {
    return client_->Put(std::move(request));
  }
  int64_t Delete(const client::NamespaceHandle& ns, client::View<client::Hash> chain) override {
    return client_->Delete(ns, chain);
  }

 private:
  client::Client* const client_;
  const bool fetches_;
};

}  // namespace halflife::tools
