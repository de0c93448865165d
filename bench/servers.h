#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/contender.h"
#include "bench/halflifed.h"

namespace halflife::bench {

// The servers of a run, on private sockets under a directory of their own, which goes with them.
class Servers {
 public:
  struct Options {
    std::string build;                 // directory of halflifed and halflife_limit_server
    std::string dram_budget = "2GiB";  // of halflifed
    std::vector<std::string> halflifed_flags = {};  // besides
    bool peers = true;                              // redis and memcached too
  };
  // Null, with a message on stderr, if one does not start.
  static std::unique_ptr<Servers> Start(const Options& options);

  // Rows of the tables: bytes over sockets, the same by Fetch, bytes over shared memory, look-ups.
  std::vector<Contender> SocketRows() const;
  std::vector<Contender> FetchRows() const;
  std::vector<Contender> SharedMemoryRows() const;
  std::vector<Contender> LookupRows() const;

  const std::string& halflife_unix() const { return halflife_.unix_endpoint; }

 private:
  struct Server {
    std::string unix_endpoint, tcp_endpoint;
    std::unique_ptr<ServerProcess> process;
  };

  bool StartLimits(const Options& options);
  bool StartRedis();
  bool StartMemcached();
  void AddSocketRows(bool tcp, std::vector<Contender>& rows) const;
  std::string UnixEndpoint(const std::string& name) const;

  const ScratchDirectory directory_;
  Halflifed halflife_;
  Server limits_, empty_, redis_, memcached_unix_, memcached_tcp_;
};

}  // namespace halflife::bench
