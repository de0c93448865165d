// How long halflifed takes to be ready, and what a resident block costs in memory. Measured from
// before the process exists to its READY=1, as a service manager sees it. bench/README.md.

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/bench_rpc.h"
#include "bench/halflifed.h"
#include "bench/measure.h"
#include "bench/peer.h"
#include "bench/process_memory.h"
#include "common/file_descriptor.h"
#include "halflife/v1/admin.grpc.pb.h"

namespace halflife::bench {
namespace {

constexpr uint32_t kFillBatch = 128;
constexpr size_t kDiskBlockBytes = size_t{64} << 10;
constexpr size_t kSmallBlockBytes = 4096;
constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Flags {
  std::string build = "build/release";
  int rounds = 5;
  uint64_t arena_gib = 16;
  uint32_t disk_blocks = 20'000;
  uint32_t resident_blocks = 1'000'000;
  std::vector<std::string> only;
};

bool Wanted(const Flags& flags, const std::string& section) {
  return flags.only.empty() ||
         std::find(flags.only.begin(), flags.only.end(), section) != flags.only.end();
}

// Where a daemon reports READY=1.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      std::perror("NOTIFY_SOCKET");
    }
    setenv("NOTIFY_SOCKET", path.c_str(), 1);
  }
  // True once READY=1 has come.
  bool Ready() {
    char text[512];
    const ssize_t size = recv(socket_.get(), text, sizeof text, MSG_DONTWAIT);
    return size > 0 && std::string(text, static_cast<size_t>(size)).find("READY=1") == 0;
  }
  void Forget() {
    char text[512];
    while (recv(socket_.get(), text, sizeof text, MSG_DONTWAIT) > 0) {
    }
  }

 private:
  const FileDescriptor socket_;
};

v1::GetStatsResponse StatsOf(const Halflifed& daemon) {
  const auto stub = v1::AdminService::NewStub(BenchChannel(daemon.unix_endpoint));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  v1::GetStatsResponse stats;
  stub->GetStats(&context, {}, &stats);
  return stats;
}

uint64_t BlocksIn(const v1::GetStatsResponse& stats, v1::Tier tier) {
  for (const v1::TierUsage& usage : stats.tiers()) {
    if (usage.tier() == tier) return usage.blocks();
  }
  return 0;
}

class StartBench {
 public:
  explicit StartBench(const Flags& flags)
      : flags_(flags), notify_(directory_.path() + "/notify.sock") {}

  bool Run() {
    return (!Wanted(flags_, "empty") || EmptyDisk()) &&
           (!Wanted(flags_, "disk") || StoredBlocks()) && (!Wanted(flags_, "memory") || Memory());
  }

 private:
  Halflifed Start(uint64_t dram_bytes, bool ssd) {
    notify_.Forget();
    Halflifed::Options options{.build = flags_.build, .directory = directory_.path()};
    options.flags = {"--storage.dram.budget", std::to_string(dram_bytes / kMiB) + "MiB"};
    if (ssd) {
      options.flags.insert(options.flags.end(),
                           {"--storage.ssd.directory", ssd_, "--storage.ssd.quota", "16GiB"});
    }
    return Halflifed::Start(options, [this] { return notify_.Ready(); });
  }

  // Starts it so often, and prints how long that took.
  bool TimeStarts(const char* what, uint64_t dram_bytes, bool fresh_disk) {
    std::vector<double> seconds, cpu_s;
    uint64_t blocks = 0;
    for (int round = 0; round < flags_.rounds; ++round) {
      if (fresh_disk) std::filesystem::remove_all(ssd_);
      const int64_t begun_ns = NowNs();
      const Halflifed daemon = Start(dram_bytes, /*ssd=*/true);
      if (daemon.process == nullptr) return false;
      seconds.push_back(static_cast<double>(NowNs() - begun_ns) * 1e-9);
      cpu_s.push_back(daemon.process->usage().cpu_s);
      blocks = BlocksIn(StatsOf(daemon), v1::TIER_SSD);
    }
    const Spread spread = SpreadOf(seconds);
    std::printf("%-34s ready in %6.3f s (%.3f to %.3f), %.3f CPU s, %lu blocks on disk\n", what,
                spread.median, spread.least, spread.greatest, SpreadOf(cpu_s).median,
                static_cast<unsigned long>(blocks));
    std::fflush(stdout);
    return true;
  }

  bool EmptyDisk() {
    return TimeStarts((std::to_string(flags_.arena_gib) + " GiB arena, empty disk").c_str(),
                      flags_.arena_gib << 30, /*fresh_disk=*/true);
  }

  // Puts blocks until so many are on disk.
  bool StoredBlocks() {
    {
      std::filesystem::remove_all(ssd_);
      const Halflifed daemon = Start(uint64_t{256} * kMiB, /*ssd=*/true);
      if (daemon.process == nullptr) return false;
      const auto peer =
          MakeHalflifePeer({kDiskBlockBytes, 1, 1}, {.endpoint = daemon.unix_endpoint});
      if (peer == nullptr) return false;
      const std::vector<uint8_t> source(kFillBatch * kDiskBlockBytes, 6);
      for (uint32_t first = 0; BlocksIn(StatsOf(daemon), v1::TIER_SSD) < flags_.disk_blocks;) {
        // The daemon makes room at its own pace, and refuses what comes faster.
        if (peer->Put(first, kFillBatch, source.data())) first += kFillBatch;
      }
    }
    return TimeStarts("1 GiB arena, 64 KiB blocks on disk", uint64_t{1} << 30,
                      /*fresh_disk=*/false);
  }

  bool Memory() {
    const uint64_t payload = uint64_t{flags_.resident_blocks} * kSmallBlockBytes;
    const Halflifed daemon = Start(payload * 12 / 10, /*ssd=*/false);
    if (daemon.process == nullptr) return false;
    const auto peer =
        MakeHalflifePeer({kSmallBlockBytes, 1, 1}, {.endpoint = daemon.unix_endpoint});
    if (peer == nullptr) return false;
    const std::vector<uint8_t> source(kFillBatch * kSmallBlockBytes, 6);
    const auto put = [&](uint32_t first) { return peer->Put(first, kFillBatch, source.data()); };
    if (!put(0)) return false;
    const std::string process = std::to_string(daemon.process->pid());
    const uint64_t anonymous_before = StatusBytes(process, "RssAnon");
    for (uint32_t first = kFillBatch; first < flags_.resident_blocks; first += kFillBatch) {
      if (!put(first)) return false;
    }
    const v1::GetStatsResponse stats = StatsOf(daemon);
    const auto blocks = static_cast<double>(BlocksIn(stats, v1::TIER_DRAM));
    const auto grown = static_cast<double>(StatusBytes(process, "RssAnon") - anonymous_before);
    std::printf("%.0f resident blocks of 4 KiB: %.0f bytes each beside the arena", blocks,
                grown / blocks);
    for (const v1::TierUsage& usage : stats.tiers()) {
      if (usage.tier() != v1::TIER_DRAM) continue;
      std::printf("; arena: %lu bytes in use for %lu of payload, %.2f %% over",
                  static_cast<unsigned long>(usage.used_bytes()),
                  static_cast<unsigned long>(usage.block_bytes()),
                  100.0 * (static_cast<double>(usage.used_bytes()) /
                               static_cast<double>(usage.block_bytes()) -
                           1));
    }
    std::printf("\nprocess: %lu MiB anonymous, %lu MiB shared memory\n",
                static_cast<unsigned long>(StatusBytes(process, "RssAnon") / kMiB),
                static_cast<unsigned long>(StatusBytes(process, "RssShmem") / kMiB));
    return true;
  }

  const Flags flags_;
  const ScratchDirectory directory_;
  const std::string ssd_ = directory_.path() + "/ssd";
  NotifySocket notify_;
};

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  halflife::bench::Flags flags;
  CLI::App app("How long halflifed takes to start, and what a block costs in memory");
  app.add_option("--build", flags.build, "directory of the binaries");
  app.add_option("--only", flags.only, "sections: empty, disk, memory")
      ->delimiter(',')
      ->check(CLI::IsMember({"empty", "disk", "memory"}));
  app.add_option("--rounds", flags.rounds, "rounds; medians are printed")->check(CLI::Range(1, 99));
  app.add_option("--arena-gib", flags.arena_gib, "of the empty daemon");
  app.add_option("--disk-blocks", flags.disk_blocks, "that a start finds");
  app.add_option("--resident", flags.resident_blocks, "blocks of 4 KiB for the memory section");
  CLI11_PARSE(app, argc, argv);
  return halflife::bench::StartBench(flags).Run() ? 0 : 1;
}
