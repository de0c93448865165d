// Get, Put and Lookup side by side: Halflife, its limits (memcpy, bare sockets, an empty call),
// Redis and memcached do the same work in one run, round by round. bench/README.md says how to read
// it. It starts and stops the servers itself.

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/lookup_table.h"
#include "bench/servers.h"
#include "bench/transfer_table.h"

namespace halflife::bench {
namespace {

struct Flags {
  std::string build = "build/release";
  std::vector<std::string> only;
  std::vector<std::string> rows;
  std::vector<size_t> kib = {64, 256, 1024, 4096};
  // Not given: what is usual in the section.
  std::vector<uint32_t> depths;
  std::optional<int> cell_ms;
  int rounds = 5;
  uint32_t resident_blocks = 1'000'000;
};

bool Wanted(const Flags& flags, const std::string& section) {
  return flags.only.empty() ||
         std::find(flags.only.begin(), flags.only.end(), section) != flags.only.end();
}

std::vector<Contender> WantedRows(const Flags& flags, std::vector<Contender> rows) {
  const auto unwanted = [&](const Contender& row) {
    return std::none_of(flags.rows.begin(), flags.rows.end(), [&](const std::string& part) {
      return (row.name + "$").find(part) != std::string::npos;
    });
  };
  if (!flags.rows.empty()) {
    rows.erase(std::remove_if(rows.begin(), rows.end(), unwanted), rows.end());
  }
  return rows;
}

void EraseRows(std::vector<Contender>& rows, const char* part) {
  rows.erase(std::remove_if(
                 rows.begin(), rows.end(),
                 [&](const Contender& row) { return row.name.find(part) != std::string::npos; }),
             rows.end());
}

// Flags that hold for every section.
template <typename AnyWork>
void SetMeasuring(const Flags& flags, AnyWork& work) {
  work.rounds = flags.rounds;
  if (flags.cell_ms) work.cell_ns = int64_t{*flags.cell_ms} * 1'000'000;
  if (!flags.depths.empty()) work.depths = flags.depths;
}

constexpr uint32_t kManyBlocks = 16;

TransferWork WorkOf(const Flags& flags, bool put, bool shared_memory) {
  TransferWork work;
  work.title = std::string(put ? "Put" : "Get") +
               (shared_memory ? ", shared memory, 16 blocks per call" : ", 1 block per call");
  work.put = put;
  for (const size_t kib : flags.kib) work.block_sizes.push_back(kib << 10);
  SetMeasuring(flags, work);
  if (shared_memory) work.depths = {1};
  work.batch = shared_memory ? kManyBlocks : 1;
  work.fill_bytes = uint64_t{2304} << 20;  // more than halflifed may keep
  return work;
}

TransferWork FetchWorkOf(const Flags& flags) {
  TransferWork work = WorkOf(flags, /*put=*/false, /*shared_memory=*/false);
  work.title = "Fetch, from the tail, beside Get (x limit), 16 blocks per call";
  work.batch = kManyBlocks;
  return work;
}

bool Transfers(const Flags& flags) {
  const bool any = Wanted(flags, "get") || Wanted(flags, "fetch") || Wanted(flags, "put") ||
                   Wanted(flags, "shm-get") || Wanted(flags, "shm-put") ||
                   Wanted(flags, "in-place");
  if (!any) return true;
  const auto servers = Servers::Start({.build = flags.build});
  if (servers == nullptr) return false;
  for (const bool shared_memory : {false, true}) {
    std::vector<Contender> rows =
        WantedRows(flags, shared_memory ? servers->SharedMemoryRows() : servers->SocketRows());
    for (const bool put : {false, true}) {
      // The daemon verifies every Put, whatever its client does.
      if (put) EraseRows(rows, "verif");
      const std::string section = std::string(shared_memory ? "shm-" : "") + (put ? "put" : "get");
      if (Wanted(flags, section) && !TransferTable(rows, WorkOf(flags, put, shared_memory))) {
        return false;
      }
    }
  }
  if (Wanted(flags, "fetch") &&
      !TransferTable(WantedRows(flags, servers->FetchRows()), FetchWorkOf(flags))) {
    return false;
  }
  return !Wanted(flags, "in-place") || InPlaceTable(servers->halflife_unix(), flags.rounds);
}

bool Lookups(const Flags& flags) {
  if (!Wanted(flags, "lookup")) return true;
  const uint64_t bytes = uint64_t{flags.resident_blocks} * 4096 * 12 / 10 + (uint64_t{64} << 20);
  const auto servers =
      Servers::Start({.build = flags.build, .dram_budget = std::to_string(bytes >> 20) + "MiB"});
  if (servers == nullptr) return false;
  LookupWork work;
  SetMeasuring(flags, work);
  work.resident_blocks = flags.resident_blocks;
  return LookupTable(WantedRows(flags, servers->LookupRows()), work) &&
         TokenLookupTable(servers->halflife_unix(), work);
}

}  // namespace
}  // namespace halflife::bench

int main(int argc, char** argv) {
  halflife::bench::Flags flags;
  CLI::App app("Halflife against its limits, Redis and memcached, side by side");
  app.add_option("--build", flags.build, "directory of the binaries");
  app.add_option("--only", flags.only,
                 "sections: get, fetch, put, shm-get, shm-put, in-place, lookup")
      ->delimiter(',')
      ->check(CLI::IsMember({"get", "fetch", "put", "shm-get", "shm-put", "in-place", "lookup"}));
  app.add_option("--rows", flags.rows, "only rows whose name holds one of these; $ is its end")
      ->delimiter(',');
  app.add_option("--kib", flags.kib, "block sizes in KiB")->delimiter(',');
  app.add_option("--depths", flags.depths, "calls outstanding at a time; not over shared memory")
      ->delimiter(',');
  app.add_option("--rounds", flags.rounds, "rounds; medians are printed")->check(CLI::Range(1, 99));
  app.add_option("--cell-ms", flags.cell_ms, "time of each row in each round")
      ->check(CLI::Range(10, 10'000));
  app.add_option("--resident", flags.resident_blocks, "blocks in the index for lookup");
  CLI11_PARSE(app, argc, argv);
  if (halflife::bench::Transfers(flags) && halflife::bench::Lookups(flags)) return 0;
  std::fprintf(stderr, "transport_bench: stopped, no figures\n");
  return 1;
}
