#include "bench/lookup_table.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <set>

#include "bench/block_names.h"

namespace halflife::bench {
namespace {

constexpr uint32_t kFillBatch = 128;
constexpr uint32_t kPromptTokens = 8192;

// What one row did at one depth, round by round.
struct LookupCell : Cell {
  std::vector<double> p50_us, p99_us;
};

bool Fill(Peer& peer, const LookupWork& work, uint32_t blocks) {
  const std::vector<uint8_t> source(kFillBatch * work.block_bytes, 7);
  for (uint32_t first = 0; first < blocks; first += kFillBatch) {
    if (!peer.Put(first, kFillBatch, source.data())) return false;
  }
  return true;
}

bool Round(LookupCell& cell, const LookupWork& work, uint32_t depth, uint32_t chains) {
  static std::mt19937_64 random(7);
  std::vector<int64_t> latencies_ns;
  cell.meter.Begin();
  const int64_t begun_ns = NowNs();
  for (uint32_t outstanding = 0;;) {
    while (outstanding < depth && NowNs() - begun_ns < work.cell_ns) {
      const auto first = static_cast<uint32_t>(random() % chains) * kChainBlocks;
      if (!cell.peer->StartLookup(first, work.prefix_blocks)) return false;
      ++outstanding;
    }
    if (outstanding == 0) break;
    latencies_ns.push_back(cell.peer->Await());
    if (latencies_ns.back() < 0) return false;
    --outstanding;
  }
  const double seconds = static_cast<double>(NowNs() - begun_ns) * 1e-9;
  const auto calls = static_cast<double>(latencies_ns.size());
  cell.meter.End(calls);
  cell.rates.push_back(calls / seconds);
  cell.p50_us.push_back(Quantile(latencies_ns, 0.5) * 1e-3);
  cell.p99_us.push_back(Quantile(latencies_ns, 0.99) * 1e-3);
  return true;
}

void Print(const LookupCell& cell, const std::vector<LookupCell>& all, uint32_t depth) {
  const Spread rate = SpreadOf(cell.rates);
  const Spread ratio = RatioSpread(cell.rates, all[0].rates);
  const Spread p99 = RatioSpread(cell.p99_us, all[0].p99_us);
  std::printf("%-25s %2u %8.0f %8.0f %8.0f %6.2f %6.2f %6.2f", cell.contender->name.c_str(), depth,
              rate.median, rate.least, rate.greatest, ratio.median, ratio.least, ratio.greatest);
  const auto redis = std::find_if(all.begin(), all.end(), [&](const LookupCell& other) {
    return other.contender->name == cell.contender->redis;
  });
  if (redis != all.end()) {
    std::printf(" %6.2f", RatioSpread(cell.rates, redis->rates).median);
  } else {
    std::printf(" %6s", "-");
  }
  std::printf(" %6.0f %6.0f %6.2f %7.1f %7.1f\n", SpreadOf(cell.p50_us).median,
              SpreadOf(cell.p99_us).median, p99.median,
              SpreadOf(cell.meter.client_cpu_s()).median * 1e6,
              SpreadOf(cell.meter.server_cpu_s()).median * 1e6);
}

}  // namespace

bool LookupTable(const std::vector<Contender>& contenders, const LookupWork& work) {
  const uint32_t chains = (work.resident_blocks + kChainBlocks - 1) / kChainBlocks;
  const uint32_t blocks = chains * kChainBlocks;
  std::set<std::string> filled;
  std::printf("\nLookup of %u blocks, %u resident\n%-25s %2s %26s %20s %6s %20s %15s\n",
              work.prefix_blocks, blocks, "", "", "per second", "x empty call", "x",
              "p50, p99 us, x empty", "CPU us per call");
  std::printf("%-25s %2s %8s %8s %8s %6s %6s %6s %6s %6s %6s %6s %7s %7s\n", "row", "d", "median",
              "min", "max", "median", "min", "max", "redis", "p50", "p99", "x", "client", "server");
  for (const uint32_t depth : work.depths) {
    std::vector<LookupCell> cells;
    for (const Contender& contender : contenders) {
      cells.push_back({{&contender,
                        contender.make({work.block_bytes, blocks, depth}),
                        Meter(contender.server),
                        {}},
                       {},
                       {}});
      if (cells.back().peer == nullptr) return false;
      if (!contender.store.empty() && filled.insert(contender.store).second &&
          !Fill(*cells.back().peer, work, blocks)) {
        std::fprintf(stderr, "%s: Put failed\n", contender.name.c_str());
        return false;
      }
    }
    for (int round = 0; round < work.rounds; ++round) {
      for (LookupCell& cell : cells) {
        if (Round(cell, work, depth, chains)) continue;
        std::fprintf(stderr, "%s: Lookup failed\n", cell.contender->name.c_str());
        return false;
      }
    }
    for (const LookupCell& cell : cells) Print(cell, cells, depth);
    std::fflush(stdout);
  }
  return true;
}

bool TokenLookupTable(const std::string& endpoint, const LookupWork& work) {
  client::Options options;
  options.endpoint = endpoint;
  options.shared_memory = client::SharedMemory::kOff;
  options.lookup_budget = options.put_budget = std::chrono::seconds(5);
  const auto client = client::Client::Open(options);
  client::Namespace ns = BenchNamespace(work.block_bytes);
  ns.hash_scheme = client::HashScheme::kHalflife;
  const client::NamespaceHandle handle = client->OpenNamespace(ns);
  std::vector<uint32_t> tokens(kPromptTokens);
  for (uint32_t i = 0; i < kPromptTokens; ++i) tokens[i] = i * 2654435761U % 150'000;
  const std::vector<client::Hash> chain = handle.HashTokens(tokens);
  std::vector<uint8_t> bytes(work.block_bytes, 7);
  const client::Segment block{bytes.data(), bytes.size()};
  for (uint32_t first = 0; first < chain.size(); first += kFillBatch) {
    client::PutRequest put;
    put.ns = handle;
    put.first_depth = first;
    put.parent = first > 0 ? &chain[first - 1] : nullptr;
    put.items.resize(kFillBatch);
    for (uint32_t i = 0; i < kFillBatch; ++i) {
      put.items[i].hash = chain[first + i];
      put.items[i].from = {&block, 1};
    }
    if (client->Put(std::move(put)).stored != kFillBatch) return false;
  }
  std::vector<double> p50_us, p99_us;
  for (int round = 0; round < work.rounds; ++round) {
    std::vector<int64_t> latencies_ns;
    for (const int64_t begun_ns = NowNs(); NowNs() - begun_ns < work.cell_ns;) {
      client::LookupRequest lookup;
      lookup.ns = handle;
      lookup.tokens = tokens;
      const int64_t started_ns = NowNs();
      if (client->Lookup(lookup).prefix_blocks != chain.size()) return false;
      latencies_ns.push_back(NowNs() - started_ns);
    }
    p50_us.push_back(Quantile(latencies_ns, 0.5) * 1e-3);
    p99_us.push_back(Quantile(latencies_ns, 0.99) * 1e-3);
  }
  const Spread p50 = SpreadOf(p50_us), p99 = SpreadOf(p99_us);
  std::printf("\nLookup of %u token ids: p50 %.0f us (%.0f to %.0f), p99 %.0f us (%.0f to %.0f)\n",
              kPromptTokens, p50.median, p50.least, p50.greatest, p99.median, p99.least,
              p99.greatest);
  client->DeleteNamespace(handle);
  return true;
}

}  // namespace halflife::bench
