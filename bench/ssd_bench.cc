// The SSD tier beside what the device can do (fio) and beside BlobDB, on one file system, in turns.
// bench/README.md says what each table shows.

#include <sys/statfs.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/blob_store.h"
#include "bench/fio_peer.h"
#include "bench/ssd_population.h"
#include "common/log.h"

namespace halflife::bench {
namespace {

constexpr double kMiB = 1024 * 1024;
constexpr int kReadDepth = 16, kWriteDepth = 8;  // of both sides; the tier's own

struct Work {
  std::string directory;
  std::vector<uint64_t> block_kib = {256, 1024, 4096};
  uint64_t capacity_mib = 2048;
  uint64_t round_mib = 1228;  // five rounds: three times the capacity
  int rounds = 5;
  bool io_uring = true;
  bool huge_pages = true;

  uint64_t capacity_bytes() const { return capacity_mib << 20; }
  uint64_t round_bytes() const { return round_mib << 20; }
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One side of a comparison over the rounds.
class Row {
 public:
  explicit Row(std::string name) : name_(std::move(name)) {}

  void Add(double mb_per_s, double cpu_s_per_gb, double base_mb_per_s) {
    mb_per_s_.push_back(mb_per_s);
    cpu_.push_back(cpu_s_per_gb);
    ratio_.push_back(mb_per_s / base_mb_per_s);
  }
  void Add(const Cost& cost, double base_mb_per_s) {
    Add(cost.mb_per_s(), cost.cpu_s_per_gb(), base_mb_per_s);
  }
  void Print(uint64_t block_kib) const {
    const auto [least, greatest] = std::minmax_element(ratio_.begin(), ratio_.end());
    std::printf("%-28s %10llu %10.0f %10.3f %8.3f %8.3f %10.3f\n", name_.c_str(),
                static_cast<unsigned long long>(block_kib), Median(mb_per_s_), Median(ratio_),
                *least, *greatest, Median(cpu_));
    std::fflush(stdout);
  }

 private:
  const std::string name_;
  std::vector<double> mb_per_s_, cpu_, ratio_;
};

void PrintHead(const char* what, const char* base) {
  std::printf("\n%-28s %10s %10s %10s %8s %8s %10s\n", what, "block KiB", "MB/s", base, "min",
              "max", "CPU s/GB");
}

FioJob FioJobOf(const Work& work, uint64_t block_kib, bool write) {
  FioJob job{.file = work.directory + "/fio.file",
             .file_bytes = work.capacity_bytes(),
             .block_bytes = block_kib << 10,
             .depth = write ? kWriteDepth : kReadDepth,
             .write = write,
             .moved_bytes = work.round_bytes()};
  if (!PrepareFioFile(job)) std::exit(1);
  return job;
}

SsdPopulation::Options PopulationOf(const Work& work, uint64_t block_kib, size_t batch) {
  const std::string directory = work.directory + "/ssd";
  std::filesystem::remove_all(directory);
  return {.directory = directory,
          .quota_bytes = work.capacity_bytes(),
          .block_bytes = static_cast<uint32_t>(block_kib << 10),
          .batch = batch,
          .io_uring = work.io_uring,
          .huge_pages = work.huge_pages};
}

// As the daemon does it: at most 128 blocks or 32 MiB at once (TierMigrator).
size_t WriteBatch(uint64_t block_kib) {
  return std::clamp<size_t>((size_t{32} << 10) / block_kib, 1, 128);
}

void ReadTable(const Work& work) {
  PrintHead("random reads", "x fio");
  for (const uint64_t block_kib : work.block_kib) {
    const FioJob job = FioJobOf(work, block_kib, false);
    SsdPopulation small(PopulationOf(work, block_kib, kReadDepth));
    small.Fill();
    Row fio("fio, 16 at a time"), unverified("slots alone, batches of 16"),
        tier("tier, batches of 16");
    for (int round = 0; round < work.rounds; ++round) {
      const FioResult base = RunFio(job);
      fio.Add(base.mb_per_s, base.cpu_s_per_gb, base.mb_per_s);
      unverified.Add(small.ReadUnverified(work.round_bytes()), base.mb_per_s);
      tier.Add(small.Read(work.round_bytes()), base.mb_per_s);
    }
    fio.Print(block_kib);
    unverified.Print(block_kib);
    tier.Print(block_kib);
  }
}

void WriteTable(const Work& work) {
  PrintHead("random overwrite", "x fio");
  std::string notes;
  for (const uint64_t block_kib : work.block_kib) {
    const FioJob job = FioJobOf(work, block_kib, true);
    const SsdPopulation::Options options = PopulationOf(work, block_kib, WriteBatch(block_kib));
    SsdPopulation population(options);
    population.Fill();
    Row fio("fio, 8 at a time"), tier("tier");
    Cost total;
    uint64_t written = 0;
    for (int round = 0; round < work.rounds; ++round) {
      const FioResult base = RunFio(job);
      fio.Add(base.mb_per_s, base.cpu_s_per_gb, base.mb_per_s);
      const uint64_t before = WrittenBytes();  // fio's are added to ours when it ends
      const Cost cost = population.Overwrite(work.round_bytes());
      written += WrittenBytes() - before;
      tier.Add(cost, base.mb_per_s);
      total += cost;
    }
    fio.Print(block_kib);
    tier.Print(block_kib);
    const double live = static_cast<double>(population.live_bytes());
    char line[200];
    std::snprintf(
        line, sizeof line,
        "%llu KiB: overwritten %.2f times, write amplification %.3f, space %.3f of the live "
        "bytes, refused %llu\n",
        static_cast<unsigned long long>(block_kib), static_cast<double>(total.bytes) / live,
        static_cast<double>(written) / static_cast<double>(total.bytes),
        static_cast<double>(BytesUnder(options.directory)) / live,
        static_cast<unsigned long long>(population.stats().writes_refused));
    notes += line;
  }
  std::printf("\n%s", notes.c_str());
}

// The live keys of BlobDB, as many bytes as the tier holds.
class BlobPopulation {
 public:
  BlobPopulation(const std::string& directory, uint64_t block_bytes, uint64_t live_bytes)
      : store_(directory), payload_(block_bytes, 'x') {
    while (keys_.size() * block_bytes < live_bytes) Put();
    store_.Flush();
  }

  Cost Overwrite(uint64_t bytes) {
    const double began = Now(), began_cpu_s = ProcessCpuSeconds();
    uint64_t done = 0;
    for (; done < bytes; done += payload_.size()) {
      uint64_t& victim = keys_[random_() % keys_.size()];
      store_.Erase(victim);
      std::swap(victim, keys_.back());
      keys_.pop_back();
      Put();
    }
    store_.Flush();
    return {Now() - began, ProcessCpuSeconds() - began_cpu_s, done};
  }
  Cost Read(uint64_t bytes) {
    const double began = Now(), began_cpu_s = ProcessCpuSeconds();
    std::string payload;
    uint64_t done = 0;
    for (; done < bytes; done += payload_.size()) {
      if (!store_.Get(keys_[random_() % keys_.size()], &payload)) std::abort();
    }
    return {Now() - began, ProcessCpuSeconds() - began_cpu_s, done};
  }

 private:
  static double Now() { return absl::ToDoubleSeconds(Clock::Real().Now()); }
  void Put() {
    const uint64_t key = next_++;
    store_.Put(key, AsBytes(payload_), Xxh3_128(AsBytes(payload_), key));
    keys_.push_back(key);
  }

  BlobStore store_;
  const std::string payload_;
  std::vector<uint64_t> keys_;
  uint64_t next_ = 0;
  std::mt19937_64 random_{2};
};

void BlobTable(const Work& work) {
  PrintHead("beside BlobDB", "x BlobDB");
  std::string notes;
  for (const uint64_t block_kib : work.block_kib) {
    SsdPopulation population(PopulationOf(work, block_kib, WriteBatch(block_kib)));
    population.Fill();
    const std::string directory = work.directory + "/blob";
    std::filesystem::remove_all(directory);
    BlobPopulation blobs(directory, block_kib << 10, population.live_bytes());
    Row blob_writes("BlobDB, overwrite"), writes("tier, overwrite"), blob_reads("BlobDB, read"),
        reads("tier, read");
    uint64_t written = 0, moved = 0;
    double most_space = 0;
    for (int round = 0; round < work.rounds; ++round) {
      const uint64_t before = WrittenBytes();
      const Cost blob = blobs.Overwrite(work.round_bytes());
      written += WrittenBytes() - before;
      moved += blob.bytes;
      const double live = static_cast<double>(population.live_bytes());
      most_space = std::max(most_space, static_cast<double>(BytesUnder(directory)) / live);
      blob_writes.Add(blob, blob.mb_per_s());
      writes.Add(population.Overwrite(work.round_bytes()), blob.mb_per_s());
      const Cost blob_read = blobs.Read(work.round_bytes() / 4);
      blob_reads.Add(blob_read, blob_read.mb_per_s());
      reads.Add(population.Read(work.round_bytes()), blob_read.mb_per_s());
    }
    for (const Row* row : {&blob_writes, &writes, &blob_reads, &reads}) row->Print(block_kib);
    char line[120];
    std::snprintf(line, sizeof line,
                  "%llu KiB: BlobDB write amplification %.2f, space up to %.2f of the live bytes\n",
                  static_cast<unsigned long long>(block_kib),
                  static_cast<double>(written) / static_cast<double>(moved), most_space);
    notes += line;
  }
  std::printf("\n%s", notes.c_str());
}

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  using namespace halflife::bench;
  halflife::ConfigureLog({.minimum = halflife::Severity::kWarning});
  Work work;
  bool without_io_uring = false, small_pages = false;
  CLI::App app("The SSD tier beside fio and BlobDB");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--directory", work.directory, "On the file system to be measured; kept")
      ->required();
  app.add_option("--block-kib", work.block_kib, "Block sizes")->delimiter(',');
  app.add_option("--capacity-mib", work.capacity_mib, "Quota of the tier, size of fio's file");
  app.add_option("--round-mib", work.round_mib, "Payload moved by each side in each round");
  app.add_option("--rounds", work.rounds, "Rounds; medians are printed");
  app.add_flag("--without-io-uring", without_io_uring, "The tier uses threads");
  app.add_flag("--small-pages", small_pages, "The tier's blocks lie in pages of 4 KiB");
  const std::vector<std::pair<const char*, std::function<void(const Work&)>>> tables = {
      {"read", ReadTable}, {"write", WriteTable}, {"blob", BlobTable}};
  for (const auto& [name, table] : tables) {
    app.add_subcommand(name, "One table")->callback([&, table = table] {
      work.io_uring = !without_io_uring;
      work.huge_pages = !small_pages;
      std::filesystem::create_directories(work.directory);
      table(work);
    });
  }
  CLI11_PARSE(app, argc, argv);
  return 0;
}
