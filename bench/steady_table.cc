#include "bench/steady_table.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

namespace halflife::bench {
namespace {

constexpr size_t kBlockSizes[] = {size_t{64} << 10, size_t{256} << 10, size_t{1} << 20,
                                  size_t{4} << 20};
constexpr uint64_t kTargetBytes = uint64_t{256} << 20;  // a ring: no reader profits from a cache

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

double SecondsOf(const std::function<bool()>& work) {
  const auto start = std::chrono::steady_clock::now();
  if (!work()) return -1;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool Fail(const std::string& name, const char* what, size_t block_bytes) {
  std::fprintf(stderr, "%s: %s at %zu bytes\n", name.c_str(), what, block_bytes);
  return false;
}

void PrintHead(const char* title) {
  std::printf("\n%-30s %10s %12s %12s %10s %10s\n", title, "block KiB", "MB/s", "x memcpy", "min",
              "max");
}

void PrintRows(const std::vector<Contender>& contenders, size_t block_bytes,
               const std::vector<std::vector<double>>& rates) {
  for (size_t c = 0; c < contenders.size(); ++c) {
    // Ratios within each round: what disturbs the machine disturbs both sides.
    std::vector<double> ratios;
    for (size_t r = 0; r < rates[c].size(); ++r) ratios.push_back(rates[c][r] / rates[0][r]);
    std::printf("%-30s %10zu %12.0f %12.3f %10.3f %10.3f\n", contenders[c].name.c_str(),
                block_bytes >> 10, Median(rates[c]) / 1e6, Median(ratios),
                *std::min_element(ratios.begin(), ratios.end()),
                *std::max_element(ratios.begin(), ratios.end()));
  }
  std::fflush(stdout);
}

// Blocks [first, first + count) of a source whose bytes tell the block.
void FillSource(std::vector<uint8_t>& source, uint32_t first, size_t block_bytes) {
  for (uint64_t at = 0; at < source.size(); at += 512) {
    const uint64_t stamp = (uint64_t{first} + at / block_bytes) << 20 | (at % block_bytes) >> 9;
    std::copy_n(reinterpret_cast<const uint8_t*>(&stamp), 8, source.data() + at);
  }
}

bool PutData(Peer& peer, const Work& data, uint32_t batch) {
  std::vector<uint8_t> source(batch * data.block_bytes, 3);
  for (uint32_t first = 0; first < data.blocks; first += batch) {
    FillSource(source, first, data.block_bytes);
    if (!peer.Put(first, std::min(batch, data.blocks - first), source.data())) return false;
  }
  return true;
}

bool HasData(const uint8_t* target, uint32_t first, const Work& data, uint32_t batch) {
  std::vector<uint8_t> expected(batch * data.block_bytes, 3);
  FillSource(expected, first, data.block_bytes);
  return std::equal(expected.begin(), expected.end(), target);
}

bool GetRounds(const std::vector<Contender>& contenders, const SteadyWork& work,
               size_t block_bytes) {
  const Work data{block_bytes, static_cast<uint32_t>(work.data_bytes / block_bytes)};
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<uint8_t> target(kTargetBytes, 1);
  const uint64_t batch_bytes = work.batch * block_bytes;
  for (const Contender& contender : contenders) {
    peers.push_back(contender.make(data));
    if (peers.back() == nullptr || !PutData(*peers.back(), data, work.batch)) {
      return Fail(contender.name, "Put failed", block_bytes);
    }
    for (uint32_t first = 0; first < data.blocks; first += work.batch) {
      if (!peers.back()->Get(first, work.batch, target.data())) {
        return Fail(contender.name, "Get failed", block_bytes);
      }
      if (!HasData(target.data(), first, data, work.batch)) {
        return Fail(contender.name, "WRONG BYTES", block_bytes);
      }
    }
  }
  std::mt19937_64 random(7);
  std::vector<std::vector<double>> rates(contenders.size());
  for (int round = 0; round < work.rounds; ++round) {
    for (size_t c = 0; c < peers.size(); ++c) {
      uint64_t done = 0;
      const double seconds = SecondsOf([&] {
        for (; done < work.bytes_per_round; done += batch_bytes) {
          const auto first =
              static_cast<uint32_t>(random() % (data.blocks / work.batch) * work.batch);
          uint8_t* const to = target.data() + done % (kTargetBytes / batch_bytes * batch_bytes);
          if (!peers[c]->Get(first, work.batch, to)) return false;
        }
        return true;
      });
      if (seconds < 0) return Fail(contenders[c].name, "Get failed", block_bytes);
      rates[c].push_back(static_cast<double>(done) / seconds);
    }
  }
  PrintRows(contenders, block_bytes, rates);
  for (const auto& peer : peers) peer->Clear();
  return true;
}

bool PutRounds(const std::vector<Contender>& contenders, const SteadyWork& work,
               size_t block_bytes) {
  const uint64_t batch_bytes = work.batch * block_bytes;
  const auto fill_blocks = static_cast<uint32_t>(work.fill_bytes / block_bytes);
  const auto round_blocks = static_cast<uint32_t>(work.bytes_per_round / block_bytes);
  const Work data{block_bytes, fill_blocks + round_blocks * static_cast<uint32_t>(work.rounds)};
  std::vector<uint8_t> source(kTargetBytes, 3);
  std::vector<std::vector<double>> rates(contenders.size());
  std::vector<std::unique_ptr<Peer>> peers;
  std::vector<uint32_t> next(contenders.size(), 0);
  // Returns false if a Put failed.
  const auto put = [&](size_t c, uint32_t blocks) {
    for (uint32_t done = 0; done < blocks; done += work.batch, next[c] += work.batch) {
      const uint64_t at =
          uint64_t{next[c]} * block_bytes % (kTargetBytes / batch_bytes * batch_bytes);
      if (!peers[c]->Put(next[c], work.batch, source.data() + at)) return false;
    }
    return true;
  };
  for (size_t c = 0; c < contenders.size(); ++c) {
    peers.push_back(contenders[c].make(data));
    if (peers.back() == nullptr || !put(c, fill_blocks)) {
      return Fail(contenders[c].name, "Put failed", block_bytes);
    }
  }
  for (int round = 0; round < work.rounds; ++round) {
    for (size_t c = 0; c < contenders.size(); ++c) {
      const double seconds = SecondsOf([&] { return put(c, round_blocks); });
      if (seconds < 0) return Fail(contenders[c].name, "Put failed", block_bytes);
      rates[c].push_back(static_cast<double>(round_blocks) * static_cast<double>(block_bytes) /
                         seconds);
    }
  }
  PrintRows(contenders, block_bytes, rates);
  for (const auto& peer : peers) peer->Clear();
  return true;
}

}  // namespace

bool SteadyGetTable(const std::vector<Contender>& contenders, const SteadyWork& work) {
  PrintHead("Get, steady state, 1 caller");
  for (const size_t block_bytes : kBlockSizes) {
    if (!GetRounds(contenders, work, block_bytes)) return false;
  }
  return true;
}

bool SteadyPutTable(const std::vector<Contender>& contenders, const SteadyWork& work) {
  PrintHead("Put, steady state, 1 caller");
  for (const size_t block_bytes : kBlockSizes) {
    if (!PutRounds(contenders, work, block_bytes)) return false;
  }
  return true;
}

bool InPlaceTable(const std::string& endpoint, const SteadyWork& work) {
  std::printf("\n%-30s %10s %14s\n", "In place, nothing copied", "batch", "us per block");
  for (const uint32_t batch : {uint32_t{1}, work.batch, uint32_t{128}}) {
    const Work data{size_t{64} << 10, 1024};
    const auto peer = MakeHalflifePeer(data, {.endpoint = endpoint, .shared_memory = true});
    if (peer == nullptr || !PutData(*peer, data, 16)) return Fail("halflife", "Put failed", 65536);
    std::vector<double> microseconds;
    for (int round = 0; round < work.rounds; ++round) {
      constexpr uint32_t kCalls = 2000;
      const double seconds = SecondsOf([&] {
        for (uint32_t call = 0; call < kCalls; ++call) {
          if (!peer->ReadInPlace(call * batch % (data.blocks - batch + 1), batch)) return false;
        }
        return true;
      });
      if (seconds < 0) return Fail("halflife", "GetView failed", 65536);
      microseconds.push_back(seconds * 1e6 / kCalls / batch);
    }
    std::printf("%-30s %10u %14.2f\n", "halflife shm", batch, Median(microseconds));
    peer->Clear();
  }
  return true;
}

}  // namespace halflife::bench
