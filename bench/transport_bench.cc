// Get, Put and Lookup side by side: memcpy, Halflife and Redis do the same work in one run, round
// by round, and the medians are printed as ratios. bench/README.md says how to read it;
// bench/run.sh starts the servers.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/peer.h"
#include "bench/steady_table.h"

namespace halflife::bench {
namespace {

struct Flags {
  std::string halflife_unix, halflife_tcp, redis_unix, redis_tcp;
  int rounds = 5;
  uint64_t bytes_per_round = uint64_t{256} << 20;
  uint32_t batch = 16;
  int lookups_per_round = 2000;
  bool shared_memory = false;
};

double Seconds(const std::function<bool()>& work) {
  const auto start = std::chrono::steady_clock::now();
  if (!work()) return -1;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::vector<Contender> Contenders(const Flags& flags) {
  std::vector<Contender> all = {{"memcpy", [](const Work& w) { return MakeMemcpyPeer(w); }}};
  const auto add = [&](const std::string& name, const std::string& endpoint, bool halflife,
                       bool verify) {
    if (endpoint.empty()) return;
    all.push_back({name, [=](const Work& w) {
                     return halflife ? MakeHalflifePeer(w, {.endpoint = endpoint, .verify = verify})
                                     : MakeRedisPeer(w, endpoint);
                   }});
  };
  add("halflife unix", flags.halflife_unix, true, true);
  add("halflife unix, no verify", flags.halflife_unix, true, false);
  add("redis unix", flags.redis_unix, false, false);
  add("halflife tcp", flags.halflife_tcp, true, true);
  add("redis tcp", flags.redis_tcp, false, false);
  return all;
}

// Medians of one contender in bytes per second (put, get).
struct Rates {
  std::vector<double> put, get;
};

bool PutAll(Peer& peer, const Work& work, uint32_t batch, const std::vector<uint8_t>& source) {
  for (uint32_t first = 0; first < work.blocks; first += batch) {
    const uint32_t count = std::min(batch, work.blocks - first);
    if (!peer.Put(first, count, source.data() + first * work.block_bytes)) return false;
  }
  return true;
}

bool GetAll(Peer& peer, const Work& work, uint32_t batch, std::vector<uint8_t>& target) {
  for (uint32_t first = 0; first < work.blocks; first += batch) {
    const uint32_t count = std::min(batch, work.blocks - first);
    if (!peer.Get(first, count, target.data() + first * work.block_bytes)) return false;
  }
  return true;
}

// One round of one contender; false ends the benchmark.
bool Round(const Contender& contender, const Work& work, const Flags& flags, Rates& rates) {
  const uint64_t bytes = work.block_bytes * work.blocks;
  std::vector<uint8_t> source(bytes), target(bytes, 1);
  for (uint64_t i = 0; i < bytes; i += 8) source[i] = static_cast<uint8_t>(i >> 12);
  const auto peer = contender.make(work);
  if (peer == nullptr || !peer->Clear()) return false;
  const auto reopened = contender.make(work);  // Clear drops the namespace too
  if (reopened == nullptr) return false;
  const double put = Seconds([&] { return PutAll(*reopened, work, flags.batch, source); });
  const double get = Seconds([&] { return GetAll(*reopened, work, flags.batch, target); });
  if (put < 0 || get < 0 || source != target) {
    std::fprintf(stderr, "%s: %s at %zu bytes\n", contender.name.c_str(),
                 put < 0   ? "Put failed"
                 : get < 0 ? "Get failed"
                           : "WRONG BYTES",
                 work.block_bytes);
    return false;
  }
  rates.put.push_back(static_cast<double>(bytes) / put);
  rates.get.push_back(static_cast<double>(bytes) / get);
  return reopened->Clear();
}

bool TransportTable(const Flags& flags) {
  const std::vector<Contender> contenders = Contenders(flags);
  std::printf("%-26s %10s %12s %12s %12s %12s\n", "Put and Get, 1 caller", "block KiB", "put MB/s",
              "x memcpy", "get MB/s", "x memcpy");
  for (const size_t block_bytes : {size_t{64} << 10, size_t{1} << 20, size_t{4} << 20}) {
    const Work work{block_bytes, static_cast<uint32_t>(flags.bytes_per_round / block_bytes)};
    std::vector<Rates> rates(contenders.size());
    for (int round = 0; round < flags.rounds; ++round) {
      for (size_t c = 0; c < contenders.size(); ++c) {
        if (!Round(contenders[c], work, flags, rates[c])) return false;
      }
    }
    for (size_t c = 0; c < contenders.size(); ++c) {
      const double put = Median(rates[c].put), get = Median(rates[c].get);
      std::printf("%-26s %10zu %12.0f %12.3f %12.0f %12.3f\n", contenders[c].name.c_str(),
                  block_bytes >> 10, put / 1e6, put / Median(rates[0].put), get / 1e6,
                  get / Median(rates[0].get));
    }
  }
  return true;
}

// Lookup of 512 resident blocks of 4 KiB, against one EXISTS of 512 keys.
bool LookupTable(const Flags& flags) {
  const Work work{4096, 512};
  std::vector<Contender> contenders = Contenders(flags);
  contenders.erase(contenders.begin());  // memcpy has nothing to look up
  std::vector<std::vector<double>> rates(contenders.size());
  const std::vector<uint8_t> source(work.block_bytes * work.blocks, 7);
  for (int round = 0; round < flags.rounds; ++round) {
    for (size_t c = 0; c < contenders.size(); ++c) {
      const auto peer = contenders[c].make(work);
      if (peer == nullptr || !peer->Clear()) return false;
      const auto reopened = contenders[c].make(work);
      if (reopened == nullptr || !PutAll(*reopened, work, 64, source)) return false;
      const double seconds = Seconds([&] {
        for (int i = 0; i < flags.lookups_per_round; ++i) {
          if (!reopened->Lookup(0, work.blocks)) return false;
        }
        return true;
      });
      if (seconds < 0 || !reopened->Clear()) return false;
      rates[c].push_back(flags.lookups_per_round / seconds);
    }
  }
  std::printf("\n%-26s %12s %14s\n", "Lookup of 512 blocks", "per second", "x redis unix");
  double redis = 0;
  for (size_t c = 0; c < contenders.size(); ++c) {
    if (contenders[c].name == "redis unix") redis = Median(rates[c]);
  }
  for (size_t c = 0; c < contenders.size(); ++c) {
    std::printf("%-26s %12.0f %14.2f\n", contenders[c].name.c_str(), Median(rates[c]),
                redis > 0 ? Median(rates[c]) / redis : 0);
  }
  return true;
}

// Shared memory beside its limit and Redis on the Unix socket.
bool SharedMemoryTables(const Flags& flags) {
  std::vector<Contender> rows = {{"memcpy", [](const Work& w) { return MakeMemcpyPeer(w); }}};
  const std::string& endpoint = flags.halflife_unix;
  for (const bool verify : {false, true}) {
    rows.push_back({verify ? "halflife shm, verified" : "halflife shm", [=](const Work& w) {
                      return MakeHalflifePeer(
                          w, {.endpoint = endpoint, .verify = verify, .shared_memory = true});
                    }});
  }
  rows.push_back({"redis unix", [&](const Work& w) { return MakeRedisPeer(w, flags.redis_unix); }});
  const SteadyWork work{.rounds = flags.rounds, .batch = flags.batch};
  if (!SteadyGetTable(rows, work)) return false;
  rows.erase(rows.begin() + 2);  // a Put is always verified
  return SteadyPutTable(rows, work) && InPlaceTable(endpoint, work);
}

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  halflife::bench::Flags flags;
  CLI::App app("Halflife's transport against memcpy and Redis, side by side");
  app.add_option("--halflife-unix", flags.halflife_unix, "unix:///path of halflifed");
  app.add_option("--halflife-tcp", flags.halflife_tcp, "host:port of halflifed");
  app.add_option("--redis-unix", flags.redis_unix, "unix:///path of redis-server");
  app.add_option("--redis-tcp", flags.redis_tcp, "host:port of redis-server");
  app.add_option("--rounds", flags.rounds, "rounds; medians are printed")->check(CLI::Range(1, 99));
  app.add_option("--bytes", flags.bytes_per_round, "bytes per round and block size");
  app.add_option("--batch", flags.batch, "blocks per call")->check(CLI::Range(1, 128));
  app.add_option("--lookups", flags.lookups_per_round, "lookups per round");
  app.add_flag("--shared-memory", flags.shared_memory, "only the tables of shared memory");
  CLI11_PARSE(app, argc, argv);
  if (flags.shared_memory) {
    if (halflife::bench::SharedMemoryTables(flags)) return 0;
    std::fprintf(stderr, "transport_bench: stopped, no figures\n");
    return 1;
  }
  if (!halflife::bench::TransportTable(flags) || !halflife::bench::LookupTable(flags)) {
    std::fprintf(stderr, "transport_bench: stopped, no figures\n");
    return 1;
  }
  return 0;
}
