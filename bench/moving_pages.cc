#include "bench/moving_pages.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <vector>

#include "bench/halflifed.h"
#include "bench/measure.h"
#include "bench/peer.h"
#include "bench/random_gets.h"

namespace halflife::bench {
namespace {

constexpr size_t kBlockBytes = size_t{256} << 10;
constexpr uint32_t kBlocks = 8192;  // 2 GiB
constexpr uint32_t kFillBatch = 16;
constexpr int64_t kNsPerS = 1'000'000'000;
// Nothing has moved for so long: it is over.
constexpr int64_t kQuietNs = 5 * kNsPerS;
constexpr int64_t kAfterwardsNs = 25 * kNsPerS;
constexpr int64_t kMostNs = 150 * kNsPerS;

// Of the whole machine: to ask about one process would stop it in the middle of what is measured.
uint64_t HugeSharedMemoryBytes() {
  std::ifstream meminfo("/proc/meminfo");
  const std::string field = "ShmemHugePages:";
  for (std::string line; std::getline(meminfo, line);) {
    if (line.rfind(field, 0) == 0) {
      return std::strtoull(line.c_str() + field.size(), nullptr, 10) << 10;
    }
  }
  return 0;
}

bool Refuse(const char* why) {
  std::fprintf(stderr, "moving pages: %s\n", why);
  return false;
}

// One reader for one cell.
struct Slice {
  size_t reader = 0;
  int64_t ended_ns = 0;
  GetSample sample;
};

bool Fill(Peer& peer) {
  const std::vector<uint8_t> source(kFillBatch * kBlockBytes, 5);
  for (uint32_t first = 0; first < kBlocks; first += kFillBatch) {
    if (!peer.Put(first, kFillBatch, source.data())) return Refuse("Put failed");
  }
  return true;
}

void Print(const char* path, const char* when, const GetSamples& samples, double p99_afterwards) {
  const Spread p99 = SpreadOf(samples.p99_us);
  std::printf("%-14s %-5s %8.0f %8.0f %8.0f %8.0f %8.0f %7.2f %8lu\n", when, path,
              SpreadOf(samples.p50_us).median, p99.median, p99.least, p99.greatest,
              SpreadOf(samples.max_us).greatest, p99.median / p99_afterwards,
              static_cast<unsigned long>(samples.calls));
}

class MovingPages {
 public:
  explicit MovingPages(const MovingPagesWork& work)
      : work_(work), gets_(kBlocks, work.batch, kBlockBytes) {}

  bool Run() {
    Halflifed::Options options{.build = work_.build, .directory = directory_.path()};
    options.flags = {"--storage.dram.budget",   "3GiB",
                     "--storage.ssd.directory", directory_.path() + "/ssd",
                     "--storage.ssd.quota",     "4GiB"};
    daemon_ = Halflifed::Start(options);
    if (daemon_.process == nullptr) return false;
    for (const bool shared_memory : {false, true}) {
      readers_.push_back(
          MakeHalflifePeer({kBlockBytes, kBlocks, 1},
                           {.endpoint = daemon_.unix_endpoint, .shared_memory = shared_memory}));
      if (readers_.back() == nullptr) return false;
    }
    huge_before_ = HugeSharedMemoryBytes();
    return Fill(*readers_.back()) && Measure() && PrintAll();
  }

 private:
  bool Measure() {
    begun_ns_ = moved_ns_ = NowNs();
    uint64_t huge_bytes = HugeSharedMemoryBytes();
    for (size_t turn = 0; NowNs() - moved_ns_ < kQuietNs + kAfterwardsNs; ++turn) {
      if (NowNs() - begun_ns_ > kMostNs) return Refuse("pages are still being moved");
      const size_t reader = turn % readers_.size();
      const auto sample = gets_.Run(*readers_[reader], work_.cell_ns);
      if (!sample) return Refuse("a Get failed");
      slices_.push_back({reader, NowNs(), *sample});
      if (const uint64_t now_bytes = HugeSharedMemoryBytes(); now_bytes > huge_bytes) {
        huge_bytes = now_bytes;
        moved_ns_ = slices_.back().ended_ns;
      }
    }
    moved_bytes_ = huge_bytes - std::min(huge_before_, huge_bytes);
    return moved_bytes_ > 0 || Refuse("no page was moved");
  }

  GetSamples SamplesOf(size_t reader, bool moving) const {
    GetSamples samples;
    for (const Slice& slice : slices_) {
      const bool counts =
          moving ? slice.ended_ns <= moved_ns_ : slice.ended_ns > moved_ns_ + kQuietNs;
      if (slice.reader == reader && counts) samples.Add(slice.sample);
    }
    return samples;
  }

  bool PrintAll() const {
    std::printf("Get of %u blocks of %zu KiB in DRAM while %lu MiB move into huge pages (%.0f s)\n",
                work_.batch, kBlockBytes >> 10, static_cast<unsigned long>(moved_bytes_ >> 20),
                static_cast<double>(moved_ns_ - begun_ns_) * 1e-9);
    std::printf("%-14s %-5s %8s %8s %8s %8s %8s %7s %8s\n", "pages", "path", "p50 us", "p99 us",
                "min", "max", "max us", "x after", "calls");
    for (size_t reader = 0; reader < readers_.size(); ++reader) {
      const auto moving = SamplesOf(reader, true), afterwards = SamplesOf(reader, false);
      if (moving.calls == 0 || afterwards.calls == 0) return Refuse("too short");
      const double p99 = SpreadOf(afterwards.p99_us).median;
      const char* const path = reader == 0 ? "unix" : "shm";
      Print(path, "being moved", moving, p99);
      Print(path, "moved", afterwards, p99);
    }
    return true;
  }

  const MovingPagesWork work_;
  const ScratchDirectory directory_;
  Halflifed daemon_;
  std::vector<std::unique_ptr<Peer>> readers_;
  RandomGets gets_;
  std::vector<Slice> slices_;
  int64_t begun_ns_ = 0, moved_ns_ = 0;  // moved_ns_: when the last move was seen
  uint64_t huge_before_ = 0, moved_bytes_ = 0;
};

}  // namespace

bool MovingPagesTable(const MovingPagesWork& work) { return MovingPages(work).Run(); }

}  // namespace halflife::bench
