// What happens to a Get of blocks in DRAM while a daemon does other things: demotion of what others
// put, reads from SSD for others, readers that stand still, all of it. Each also against a second
// daemon on the same machine, which tells what is only the machine being busy. bench/README.md.

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/block_names.h"
#include "bench/disturbance.h"
#include "bench/halflifed.h"
#include "bench/measure.h"
#include "bench/moving_pages.h"
#include "bench/peer.h"
#include "bench/random_gets.h"

namespace halflife::bench {
namespace {

constexpr size_t kHotBlockBytes = size_t{256} << 10;  // another namespace than the disturbance's
constexpr uint32_t kHotBlocks = 128;                  // 32 MiB
constexpr int64_t kSettleNs = 500'000'000;            // of a disturbance, before it is measured
// Rounds that may be thrown away. More, and there are no figures.
constexpr int kLostRoundsAllowed = 2;

struct Flags {
  std::string build = "build/release";
  int rounds = 5;
  int cell_ms = 1000;
  uint64_t mb_per_second = 200;
  uint32_t batch = 4;
  bool moving_pages = false;
};

// One way of reading the hot blocks.
struct Reader {
  std::string name;
  std::unique_ptr<Peer> peer;
};

// One kind of trouble.
struct Trouble {
  std::string name;
  std::vector<Disturbance> kinds;
  bool elsewhere = false;  // at the other daemon
};

std::vector<Trouble> Troubles() {
  const std::vector<Disturbance> all = {Disturbance::kPuts, Disturbance::kSsdReads,
                                        Disturbance::kStoppedReaders};
  return {{"alone", {}},
          {"puts, demotion", {Disturbance::kPuts}},
          {"same, other daemon", {Disturbance::kPuts}, true},
          {"reads from SSD", {Disturbance::kSsdReads}},
          {"same, other daemon", {Disturbance::kSsdReads}, true},
          {"stopped readers", {Disturbance::kStoppedReaders}},
          {"all of it", all},
          {"same, other daemon", all, true}};
}

class Interference {
 public:
  explicit Interference(const Flags& flags)
      : flags_(flags), gets_(kHotBlocks, flags.batch, kHotBlockBytes) {}

  // False, with a message on stderr, if there are no figures that mean anything.
  bool Run() {
    if (!StartDaemons() || !MakeReaders()) return false;
    const std::vector<Trouble> troubles = Troubles();
    // One reader under one trouble, over all rounds.
    std::vector<GetSamples> cells(troubles.size() * readers_.size());
    int lost_rounds = 0;
    for (int round = 0; round < flags_.rounds;) {
      const std::vector<GetSample> samples = Round(troubles);
      if (samples.empty()) {
        if (++lost_rounds > kLostRoundsAllowed) return Refuse("too many rounds were lost");
        continue;
      }
      for (size_t i = 0; i < cells.size(); ++i) cells[i].Add(samples[i]);
      ++round;
    }
    Print(troubles, cells);
    std::printf("every call was answered in full from DRAM; %d rounds were not, and do not count\n",
                lost_rounds);
    return true;
  }

 private:
  bool StartDaemons() {
    for (const char* name : {"measured", "other"}) {
      Halflifed::Options options{
          .build = flags_.build, .directory = directory_.path(), .name = name};
      options.flags = {"--storage.dram.budget",   std::to_string(kDisturbanceDramBytes),
                       "--storage.ssd.directory", directory_.path() + "/" + name + "-ssd",
                       "--storage.ssd.quota",     "4GiB"};
      daemons_.push_back(Halflifed::Start(options));
      if (daemons_.back().process == nullptr) return false;
      if (!PrepareSsdReads(daemons_.back().unix_endpoint)) return false;
    }
    return true;
  }

  bool MakeReaders() {
    const Work work{kHotBlockBytes, kHotBlocks, 1};
    const std::string& endpoint = daemons_[0].unix_endpoint;
    readers_.push_back({"unix", MakeHalflifePeer(work, {.endpoint = endpoint})});
    readers_.push_back(
        {"shm", MakeHalflifePeer(work, {.endpoint = endpoint, .shared_memory = true})});
    for (const Reader& reader : readers_) {
      if (reader.peer == nullptr) return false;
    }
    for (uint32_t block = 0; block < kHotBlocks; ++block) hot_chain_.push_back(HashOfBlock(block));
    client::Options options;
    options.endpoint = endpoint;
    options.lookup_budget = std::chrono::seconds(5);
    client_ = client::Client::Open(options);
    hot_ = client_->OpenNamespace(BenchNamespace(kHotBlockBytes));
    return PutHot() && PinHot();
  }

  bool PutHot() {
    const std::vector<uint8_t> source(kHotBlockBytes * 16, 4);
    for (uint32_t first = 0; first < kHotBlocks; first += 16) {
      if (!readers_[0].peer->Put(first, 16, source.data())) return Refuse("Put failed");
    }
    return true;
  }

  static bool Refuse(const char* why) {
    std::fprintf(stderr, "interference_bench: %s\n", why);
    return false;
  }

  // By trouble, then reader. Empty if what was measured is not what it should be.
  std::vector<GetSample> Round(const std::vector<Trouble>& troubles) {
    std::vector<GetSample> samples;
    for (const Trouble& trouble : troubles) {
      const Halflifed& daemon = daemons_[trouble.elsewhere ? 1 : 0];
      std::vector<std::unique_ptr<ServerProcess>> disturbances;
      for (const Disturbance kind : trouble.kinds) {
        disturbances.push_back(StartDisturbance(kind, daemon.unix_endpoint,
                                                flags_.mb_per_second * 1'000'000,
                                                directory_.path() + "/disturbance.log"));
        if (disturbances.back() == nullptr) return {};
      }
      if (!PinHot()) return {};
      if (!Read(*readers_[0].peer, kSettleNs)) return {};
      for (const Reader& reader : readers_) {
        const std::optional<GetSample> sample =
            Read(*reader.peer, int64_t{flags_.cell_ms} * 1'000'000);
        if (!sample) return {};
        samples.push_back(*sample);
      }
      if (!HotIsInDram()) return {};
      for (const auto& disturbance : disturbances) disturbance->Kill();
    }
    return samples;
  }

  // Has the hot blocks in DRAM, under a lease, until the next one: what is measured is a Get from
  // there, not what the policy keeps. The former lease goes last, so that there is always one.
  bool PinHot() {
    client::LookupRequest request;
    request.ns = hot_;
    request.chain = hot_chain_;
    request.pin = true;
    request.lease = std::chrono::seconds(30);
    client::LookupResult result = client_->Lookup(request);
    if (result.lease.blocks() != kHotBlocks && PutHot()) result = client_->Lookup(request);
    if (result.lease.blocks() != kHotBlocks) return Refuse("the hot blocks cannot be pinned");
    lease_ = std::move(result.lease);
    return HotIsInDram();
  }

  bool HotIsInDram() {
    client::LookupRequest request;
    request.ns = hot_;
    request.chain = hot_chain_;
    const client::LookupResult result = client_->Lookup(request);
    for (const auto& run : result.runs) {
      if (run.ssd) return Refuse("hot blocks left DRAM");
    }
    return result.prefix_blocks == kHotBlocks || Refuse("hot blocks were lost");
  }

  // None, with a message on stderr, if a call failed.
  std::optional<GetSample> Read(Peer& peer, int64_t time_ns) {
    auto sample = gets_.Run(peer, time_ns);
    if (!sample) Refuse("a Get of hot blocks failed");
    return sample;
  }

  void Print(const std::vector<Trouble>& troubles, const std::vector<GetSamples>& cells) const {
    std::printf("Get of %u blocks of %zu KiB in DRAM; each disturbance at %lu MB/s\n", flags_.batch,
                kHotBlockBytes >> 10, static_cast<unsigned long>(flags_.mb_per_second));
    std::printf("%-22s %-5s %8s %8s %8s %7s %7s %7s %8s\n", "beside it", "path", "p50 us", "p99 us",
                "max us", "x alone", "min", "max", "calls");
    for (size_t t = 0; t < troubles.size(); ++t) {
      for (size_t r = 0; r < readers_.size(); ++r) {
        const GetSamples& cell = cells[t * readers_.size() + r];
        const Spread ratio = RatioSpread(cell.p99_us, cells[r].p99_us);
        std::printf("%-22s %-5s %8.0f %8.0f %8.0f %7.2f %7.2f %7.2f %8lu\n",
                    troubles[t].name.c_str(), readers_[r].name.c_str(),
                    SpreadOf(cell.p50_us).median, SpreadOf(cell.p99_us).median,
                    SpreadOf(cell.max_us).greatest, ratio.median, ratio.least, ratio.greatest,
                    static_cast<unsigned long>(cell.calls));
      }
    }
  }

  const Flags flags_;
  const ScratchDirectory directory_;
  std::vector<Halflifed> daemons_;
  std::vector<Reader> readers_;
  std::unique_ptr<client::Client> client_;
  client::NamespaceHandle hot_;
  std::vector<client::Hash> hot_chain_;
  client::Lease lease_;  // of all of them; after the client, so that it goes first
  RandomGets gets_;
};

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  using halflife::bench::kDisturbanceFlag;
  if (argc > 1 && std::string(argv[1]) == kDisturbanceFlag) {
    return halflife::bench::RunDisturbance({argv + 2, argv + argc});
  }
  halflife::bench::Flags flags;
  CLI::App app("A Get from DRAM, alone and while the daemon does other things");
  app.add_option("--build", flags.build, "directory of the binaries");
  app.add_option("--rounds", flags.rounds, "rounds; medians are printed")->check(CLI::Range(1, 99));
  app.add_option("--cell-ms", flags.cell_ms, "time of each reader in each round");
  app.add_option("--rate", flags.mb_per_second, "of each disturbance, in MB/s");
  app.add_option("--batch", flags.batch, "blocks per call")->check(CLI::Range(1, 64));
  app.add_flag(
      "--moving-pages", flags.moving_pages,
      "instead: Gets while a daemon that was just filled moves its memory into huge pages");
  CLI11_PARSE(app, argc, argv);
  if (flags.moving_pages) {
    return halflife::bench::MovingPagesTable({.build = flags.build,
                                              .batch = flags.batch,
                                              .cell_ns = int64_t{flags.cell_ms} * 1'000'000})
               ? 0
               : 1;
  }
  return halflife::bench::Interference(flags).Run() ? 0 : 1;
}
