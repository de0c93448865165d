#include "bench/transfer_table.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <utility>

#include "common/check.h"
#include "common/file_descriptor.h"

namespace halflife::bench {
namespace {

constexpr uint64_t kRingBytes = uint64_t{256} << 20;  // no reader profits from a cache
constexpr uint32_t kFillBatch = 16;

bool Fail(const std::string& name, const char* what, size_t block_bytes) {
  std::fprintf(stderr, "%s: %s at %zu bytes\n", name.c_str(), what, block_bytes);
  return false;
}

// Blocks [first, ...) of a source whose bytes tell the block.
void FillSource(uint8_t* source, uint64_t bytes, uint32_t first, size_t block_bytes) {
  for (uint64_t at = 0; at < bytes; at += 512) {
    const uint64_t stamp = (uint64_t{first} + at / block_bytes) << 20 | (at % block_bytes) >> 9;
    std::copy_n(reinterpret_cast<const uint8_t*>(&stamp), 8, source + at);
  }
}

// Memory of all rows, in a file that can be registered with a daemon. Every page of it is there.
class Ring {
 public:
  explicit Ring(uint64_t bytes) : fd_(memfd_create("ring", MFD_CLOEXEC)), bytes_(bytes) {
    HL_CHECK(ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0);
    void* const base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
    HL_CHECK(base != MAP_FAILED);
    base_ = static_cast<uint8_t*>(base);
    std::fill_n(base_, bytes, 3);
  }
  ~Ring() { munmap(base_, bytes_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  int fd() const { return fd_.get(); }
  uint8_t* data() const { return base_; }
  uint64_t size() const { return bytes_; }

 private:
  const FileDescriptor fd_;
  const uint64_t bytes_;
  uint8_t* base_ = nullptr;
};

// All rows at one block size.
class SizeRun {
 public:
  SizeRun(const TransferWork& work, size_t block_bytes)
      : work_(work),
        block_bytes_(block_bytes),
        call_bytes_(work.batch * block_bytes),
        data_blocks_(static_cast<uint32_t>(work.data_bytes / block_bytes)),
        ring_(kRingBytes) {}

  bool Run(const std::vector<Contender>& contenders) {
    for (const Contender& contender : contenders) {
      for (const uint32_t depth : work_.depths) {
        if (depth <= contender.most_depth && !Prepare(contender, depth)) return false;
      }
    }
    if (work_.put) FillSource(ring_.data(), ring_.size(), 0, block_bytes_);
    for (int round = 0; round < work_.rounds; ++round) {
      for (auto& [key, cell] : cells_) {
        if (!Round(cell, key.second)) return false;
      }
    }
    for (auto& [key, cell] : cells_) Print(cell, key.second);
    std::fflush(stdout);
    for (auto& [key, cell] : cells_) cell.peer->Clear();
    return true;
  }

 private:
  using Key = std::pair<size_t, uint32_t>;  // row, depth

  bool Prepare(const Contender& contender, uint32_t depth) {
    const bool first_of_row = cells_.empty() || LastCell().contender != &contender;
    Cell cell{
        &contender,
        contender.make({block_bytes_, data_blocks_, depth, ring_.fd(), ring_.data(), ring_.size()}),
        Meter(contender.server),
        {}};
    if (cell.peer == nullptr) return false;
    if (next_.count(contender.store) == 0) {
      const uint64_t bytes = work_.put && contender.evicts ? work_.fill_bytes : work_.data_bytes;
      next_[contender.store] = static_cast<uint32_t>(bytes / block_bytes_);
      if (!Fill(*cell.peer, next_[contender.store])) {
        return Fail(contender.name, "Put failed", block_bytes_);
      }
    }
    if (first_of_row && !work_.put && !CheckAll(*cell.peer)) {
      return Fail(contender.name, "Get failed or WRONG BYTES", block_bytes_);
    }
    const size_t row = cells_.empty() ? 0 : cells_.rbegin()->first.first + (first_of_row ? 1 : 0);
    cells_.emplace(Key{row, depth}, std::move(cell));
    return true;
  }
  const Cell& LastCell() const { return cells_.rbegin()->second; }

  bool Fill(Peer& peer, uint32_t blocks) {
    std::vector<uint8_t> source(kFillBatch * block_bytes_, 3);
    for (uint32_t first = 0; first < blocks; first += kFillBatch) {
      FillSource(source.data(), source.size(), first, block_bytes_);
      if (!peer.Put(first, std::min(kFillBatch, blocks - first), source.data())) return false;
    }
    return true;
  }

  bool CheckAll(Peer& peer) {
    for (uint32_t first = 0; first < data_blocks_; first += kFillBatch) {
      if (!peer.Get(first, kFillBatch, ring_.data())) return false;
      if (!HasData(ring_.data(), first, kFillBatch)) return false;
    }
    return true;
  }

  bool HasData(const uint8_t* target, uint32_t first, uint32_t count) const {
    std::vector<uint8_t> expected(count * block_bytes_, 3);
    FillSource(expected.data(), expected.size(), first, block_bytes_);
    return std::equal(expected.begin(), expected.end(), target);
  }

  bool Round(Cell& cell, uint32_t depth) {
    Peer& peer = *cell.peer;
    // Not timed: after a pause a connection and its threads begin slowly.
    if (!Start(cell) || peer.Await() < 0) return Fail(cell.contender->name, "failed", block_bytes_);
    cell.meter.Begin();
    const int64_t begun_ns = NowNs();
    uint32_t outstanding = 0;
    uint64_t calls = 0;
    for (;;) {
      while (outstanding < depth && (calls < depth || NowNs() - begun_ns < work_.cell_ns)) {
        if (!Start(cell)) return Fail(cell.contender->name, "failed", block_bytes_);
        ++outstanding;
        ++calls;
      }
      if (outstanding == 0) break;
      if (peer.Await() < 0) return Fail(cell.contender->name, "failed", block_bytes_);
      --outstanding;
    }
    const double seconds = static_cast<double>(NowNs() - begun_ns) * 1e-9;
    const double bytes = static_cast<double>(calls) * static_cast<double>(call_bytes_);
    cell.meter.End(bytes);
    cell.rates.push_back(bytes / seconds);
    return CheckLast(cell);
  }

  bool Start(Cell& cell) {
    const uint64_t places = kRingBytes / call_bytes_;
    if (work_.put) {
      uint32_t& next = next_[cell.contender->store];
      last_first_ = std::exchange(next, next + work_.batch);
      last_place_ = ring_.data() + last_first_ / work_.batch % places * call_bytes_;
      return cell.peer->StartPut(last_first_, work_.batch, last_place_);
    }
    last_first_ = static_cast<uint32_t>(random_() % (data_blocks_ / work_.batch) * work_.batch);
    last_place_ = ring_.data() + calls_++ % places * call_bytes_;
    return cell.peer->StartGet(last_first_, work_.batch, last_place_);
  }

  // The bytes of the round's last call.
  bool CheckLast(Cell& cell) {
    bool good = true;
    if (work_.put) {
      std::vector<uint8_t> target(call_bytes_, 1);
      const bool there = cell.peer->Get(last_first_, work_.batch, target.data());
      // A store that evicts may have evicted it.
      good = there ? std::equal(target.begin(), target.end(), last_place_) : cell.contender->evicts;
    } else {
      good = HasData(last_place_, last_first_, work_.batch);
    }
    return good || Fail(cell.contender->name, "WRONG BYTES", block_bytes_);
  }

  const std::vector<double>* RatesOf(const std::string& name, uint32_t depth) const {
    const std::vector<double>* found = nullptr;
    for (const auto& [key, cell] : cells_) {
      if (cell.contender->name != name) continue;
      if (key.second == depth || found == nullptr) found = &cell.rates;  // memcpy has one depth
    }
    return found;
  }

  void PrintRatio(const Cell& cell, const std::string& other, uint32_t depth) const {
    const std::vector<double>* const rates = RatesOf(other, depth);
    if (rates == nullptr) {
      std::printf(" %6s", "-");
    } else {
      std::printf(" %6.2f", RatioSpread(cell.rates, *rates).median);
    }
  }

  void Print(const Cell& cell, uint32_t depth) const {
    const Contender& row = *cell.contender;
    const Spread rate = SpreadOf(cell.rates);
    std::printf("%-25s %5zu %2u %7.0f %7.0f %7.0f", row.name.c_str(), block_bytes_ >> 10, depth,
                rate.median / 1e6, rate.least / 1e6, rate.greatest / 1e6);
    const std::vector<double>* const limit = RatesOf(row.limit, depth);
    const Spread ratio = limit != nullptr ? RatioSpread(cell.rates, *limit) : Spread{};
    std::printf(" %6.2f %6.2f %6.2f", ratio.median, ratio.least, ratio.greatest);
    PrintRatio(cell, row.redis, depth);
    PrintRatio(cell, row.memcached, depth);
    const double client = SpreadOf(cell.meter.client_cpu_s()).median * 1e9;
    const double server = SpreadOf(cell.meter.server_cpu_s()).median * 1e9;
    std::printf(" %6.3f %6.3f %6.3f %7.2f\n", client, server, client + server,
                SpreadOf(cell.meter.server_faults()).median * (1 << 20));
  }

  const TransferWork& work_;
  const size_t block_bytes_;
  const uint64_t call_bytes_;
  const uint32_t data_blocks_;
  Ring ring_;
  std::map<std::string, uint32_t> next_;  // by store: the next new block
  std::map<Key, Cell> cells_;
  std::mt19937_64 random_{7};
  uint64_t calls_ = 0;
  uint32_t last_first_ = 0;
  uint8_t* last_place_ = nullptr;
};

}  // namespace

bool TransferTable(const std::vector<Contender>& contenders, const TransferWork& work) {
  std::printf("\n%s\n%-25s %5s %2s %23s %20s %6s %6s %20s %7s\n", work.title.c_str(), "", "", "",
              "MB/s", "x limit", "x", "x mem-", "CPU s per GB", "faults");
  std::printf("%-25s %5s %2s %7s %7s %7s %6s %6s %6s %6s %6s %6s %6s %6s %7s\n", "row", "KiB", "d",
              "median", "min", "max", "median", "min", "max", "redis", "cached", "client", "server",
              "both", "per MiB");
  for (const size_t block_bytes : work.block_sizes) {
    if (!SizeRun(work, block_bytes).Run(contenders)) return false;
  }
  return true;
}

bool InPlaceTable(const std::string& endpoint, int rounds) {
  std::printf("\n%-25s %10s %14s\n", "In place, nothing copied", "batch", "us per block");
  constexpr uint32_t kBlocks = 1024, kCalls = 1000, kFill = 16;
  constexpr size_t kBlockBytes = size_t{64} << 10;
  const std::vector<uint8_t> source(kFill * kBlockBytes, 5);
  for (const uint32_t batch : {uint32_t{1}, uint32_t{16}, uint32_t{128}}) {
    const auto peer =
        MakeHalflifePeer({kBlockBytes, kBlocks, 1}, {.endpoint = endpoint, .shared_memory = true});
    if (peer == nullptr) return false;
    for (uint32_t first = 0; first < kBlocks; first += kFill) {
      if (!peer->Put(first, kFill, source.data())) return Fail("halflife", "Put failed", 65536);
    }
    std::vector<double> microseconds;
    for (int round = 0; round < rounds; ++round) {
      const int64_t begun_ns = NowNs();
      for (uint32_t call = 0; call < kCalls; ++call) {
        const uint32_t first = call * batch % (kBlocks - batch + 1) / batch * batch;
        if (!peer->ReadInPlace(first, batch)) return Fail("halflife", "GetView failed", 65536);
      }
      microseconds.push_back(static_cast<double>(NowNs() - begun_ns) * 1e-3 / kCalls / batch);
    }
    std::printf("%-25s %10u %14.2f\n", "halflife shm", batch, SpreadOf(microseconds).median);
    peer->Clear();
  }
  return true;
}

}  // namespace halflife::bench
