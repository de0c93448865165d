#include "bench/servers.h"

#include <unistd.h>

#include "bench/socket.h"

namespace halflife::bench {
namespace {

std::string PortOf(const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':') + 1); }

std::string PathOf(const std::string& endpoint) { return endpoint.substr(7); }

}  // namespace

std::unique_ptr<Servers> Servers::Start(const Options& options) {
  auto servers = std::make_unique<Servers>();
  Halflifed::Options daemon{.build = options.build, .directory = servers->directory_.path()};
  daemon.flags = options.halflifed_flags;
  daemon.flags.insert(daemon.flags.end(), {"--storage.dram.budget", options.dram_budget});
  servers->halflife_ = Halflifed::Start(daemon);
  if (servers->halflife_.process == nullptr || !servers->StartLimits(options)) return nullptr;
  if (options.peers && (!servers->StartRedis() || !servers->StartMemcached())) return nullptr;
  return servers;
}

std::string Servers::UnixEndpoint(const std::string& name) const {
  return "unix://" + directory_.path() + "/" + name + ".sock";
}

bool Servers::StartLimits(const Options& options) {
  limits_.unix_endpoint = UnixEndpoint("raw");
  limits_.tcp_endpoint = FreeTcpEndpoint();
  empty_.unix_endpoint = UnixEndpoint("empty");
  empty_.tcp_endpoint = FreeTcpEndpoint();
  limits_.process = ServerProcess::Start(
      {options.build + "/bench/halflife_limit_server", limits_.unix_endpoint, limits_.tcp_endpoint,
       empty_.unix_endpoint, empty_.tcp_endpoint},
      directory_.path() + "/limits.log", [this] { return bool{Connect(empty_.tcp_endpoint)}; });
  return limits_.process != nullptr;
}

bool Servers::StartRedis() {
  redis_.unix_endpoint = UnixEndpoint("redis");
  redis_.tcp_endpoint = FreeTcpEndpoint();
  redis_.process = ServerProcess::Start(
      {"redis-server", "--port", PortOf(redis_.tcp_endpoint), "--bind", "127.0.0.1", "--unixsocket",
       PathOf(redis_.unix_endpoint), "--save", "", "--appendonly", "no", "--dir",
       directory_.path()},
      directory_.path() + "/redis.log", [this] { return bool{Connect(redis_.unix_endpoint)}; });
  return redis_.process != nullptr;
}

// One process per transport: memcached listens on a Unix socket or on TCP, not on both.
bool Servers::StartMemcached() {
  memcached_unix_.unix_endpoint = UnixEndpoint("memcached");
  memcached_tcp_.tcp_endpoint = FreeTcpEndpoint();
  std::vector<std::string> command = {"memcached", "-m", "4096", "-I", "16m", "-U", "0"};
  if (geteuid() == 0) command.insert(command.end(), {"-u", "root"});
  std::vector<std::string> on_unix = command, on_tcp = command;
  on_unix.insert(on_unix.end(), {"-s", PathOf(memcached_unix_.unix_endpoint)});
  on_tcp.insert(on_tcp.end(), {"-l", "127.0.0.1", "-p", PortOf(memcached_tcp_.tcp_endpoint)});
  memcached_unix_.process =
      ServerProcess::Start(on_unix, directory_.path() + "/memcached.log",
                           [this] { return bool{Connect(memcached_unix_.unix_endpoint)}; });
  memcached_tcp_.process =
      ServerProcess::Start(on_tcp, directory_.path() + "/memcached-tcp.log",
                           [this] { return bool{Connect(memcached_tcp_.tcp_endpoint)}; });
  return memcached_unix_.process != nullptr && memcached_tcp_.process != nullptr;
}

void Servers::AddSocketRows(bool tcp, std::vector<Contender>& rows) const {
  const std::string suffix = tcp ? " tcp" : " unix";
  const std::string raw = tcp ? limits_.tcp_endpoint : limits_.unix_endpoint;
  const std::string halflife = tcp ? halflife_.tcp_endpoint : halflife_.unix_endpoint;
  const std::string redis = tcp ? redis_.tcp_endpoint : redis_.unix_endpoint;
  const Server& memcached = tcp ? memcached_tcp_ : memcached_unix_;
  const std::string cached = tcp ? memcached.tcp_endpoint : memcached.unix_endpoint;
  const auto add = [&](Contender row) {
    row.name.insert(row.name.find(',') == std::string::npos ? row.name.size() : row.name.find(','),
                    suffix);
    row.limit = "raw" + suffix;
    row.redis = "redis" + suffix;
    row.memcached = "memcached" + suffix;
    rows.push_back(std::move(row));
  };
  add({.name = "raw", .store = raw, .server = limits_.process.get(), .make = [=](const Work& w) {
         return MakeRawPeer(w, raw);
       }});
  for (const bool verify : {true, false}) {
    add({.name = verify ? "halflife" : "halflife, no verify",
         .store = "halflife",
         .server = halflife_.process.get(),
         .make =
             [=](const Work& w) {
               return MakeHalflifePeer(w, {.endpoint = halflife, .verify = verify});
             },
         .evicts = true});
  }
  add({.name = "plain stub",
       .store = "halflife",
       .server = halflife_.process.get(),
       .make = [=](const Work& w) { return MakeStubPeer(w, halflife); },
       .evicts = true,
       .most_depth = 1});
  if (redis_.process == nullptr) return;
  add({.name = "redis",
       .store = "redis",
       .server = redis_.process.get(),
       .make = [=](const Work& w) { return MakeRedisPeer(w, redis); }});
  add({.name = "memcached",
       .store = cached,
       .server = memcached.process.get(),
       .make = [=](const Work& w) { return MakeMemcachedPeer(w, cached); }});
}

std::vector<Contender> Servers::SocketRows() const {
  std::vector<Contender> rows;
  AddSocketRows(/*tcp=*/false, rows);
  AddSocketRows(/*tcp=*/true, rows);
  return rows;
}

// What a Fetch is compared with is the Get of the same blocks.
std::vector<Contender> Servers::FetchRows() const {
  std::vector<Contender> rows;
  for (const bool tcp : {false, true}) {
    const std::string suffix = tcp ? " tcp" : " unix";
    const std::string endpoint = tcp ? halflife_.tcp_endpoint : halflife_.unix_endpoint;
    for (const bool fetch : {false, true}) {
      rows.push_back({.name = (fetch ? "halflife fetch" : "halflife get") + suffix,
                      .store = "halflife",
                      .limit = "halflife get" + suffix,
                      .server = halflife_.process.get(),
                      .make =
                          [=](const Work& w) {
                            return MakeHalflifePeer(w, {.endpoint = endpoint, .fetch = fetch});
                          },
                      .evicts = true});
    }
  }
  return rows;
}

std::vector<Contender> Servers::SharedMemoryRows() const {
  std::vector<Contender> rows = {
      {.name = "memcpy", .store = "memcpy", .limit = "memcpy", .make = MakeMemcpyPeer}};
  for (const bool verify : {false, true}) {
    rows.push_back({.name = verify ? "halflife shm, verified" : "halflife shm",
                    .store = "halflife",
                    .server = halflife_.process.get(),
                    .make =
                        [=, endpoint = halflife_.unix_endpoint](const Work& w) {
                          return MakeHalflifePeer(
                              w, {.endpoint = endpoint, .verify = verify, .shared_memory = true});
                        },
                    .evicts = true});
  }
  rows.push_back(
      {.name = "halflife shm, region",
       .store = "halflife",
       .server = halflife_.process.get(),
       .make =
           [=, endpoint = halflife_.unix_endpoint](const Work& w) {
             return MakeHalflifePeer(
                 w, {.endpoint = endpoint, .verify = false, .shared_memory = true, .region = true});
           },
       .evicts = true});
  std::vector<Contender> sockets;
  AddSocketRows(/*tcp=*/false, sockets);
  for (Contender& row : sockets) {
    if (row.store != "halflife") rows.push_back(std::move(row));
  }
  for (Contender& row : rows) {
    row.limit = "memcpy";
    row.redis = "redis unix";
    row.memcached = "memcached unix";
  }
  return rows;
}

std::vector<Contender> Servers::LookupRows() const {
  std::vector<Contender> rows;
  rows.push_back({.name = "empty call unix",
                  .server = limits_.process.get(),
                  .make = [this](const Work&) { return MakeEmptyCallPeer(empty_.unix_endpoint); }});
  rows.push_back({.name = "halflife unix",
                  .store = "halflife",
                  .server = halflife_.process.get(),
                  .make = [this](const Work& w) {
                    return MakeHalflifePeer(w, {.endpoint = halflife_.unix_endpoint});
                  }});
  rows.push_back(
      {.name = "halflife unix, bare",
       .store = "halflife",
       .server = halflife_.process.get(),
       .make = [this](const Work& w) { return MakeBareLookupPeer(w, halflife_.unix_endpoint); }});
  rows.push_back(
      {.name = "redis unix",
       .store = "redis",
       .server = redis_.process.get(),
       .make = [this](const Work& w) { return MakeRedisPeer(w, redis_.unix_endpoint); }});
  for (Contender& row : rows) row.redis = "redis unix";
  return rows;
}

}  // namespace halflife::bench
