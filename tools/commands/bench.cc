#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/units.h"
#include "tools/admin/daemon_connection.h"
#include "tools/bench/bench_report.h"
#include "tools/bench/bench_run.h"
#include "tools/bench/interrupt.h"
#include "tools/cli/call_failure.h"
#include "tools/commands/commands.h"
#include "tools/output/progress_line.h"

namespace halflife::tools {
namespace {

// A benchmark measures how long a call takes, and does not count a slow one as a miss.
constexpr std::chrono::seconds kBudget{10};
// For shared memory, which a client gets a moment after it has connected.
constexpr std::chrono::milliseconds kSharedMemoryWait{2000};
constexpr size_t kMaxBlockSizes = 16;

struct Options {
  BenchOptions bench;
  std::vector<std::string> block_sizes = {"1MiB"};
  std::string path = "auto";
  bool fetch = false;
  std::string verify = "on";
  int connections = 1;
  int copy_threads = 1;
};

bool IsUnixSocket(const std::string& endpoint) { return absl::StartsWith(endpoint, "unix:"); }

client::Options ClientOptions(const Context& context, const Options& options) {
  client::Options client;
  client.endpoint = context.endpoint;
  client.lookup_budget = client.get_budget = client.put_budget = kBudget;
  client.connections = options.connections;
  client.copy_threads = options.copy_threads;
  client.verify = options.verify == "on";
  client.trust_sealed = !client.verify;
  // A Fetch goes over the socket, and so do the Puts beside it.
  client.shared_memory = options.fetch            ? client::SharedMemory::kOff
                         : options.path == "auto" ? client::SharedMemory::kAuto
                         : options.path == "shm"  ? client::SharedMemory::kRequired
                                                  : client::SharedMemory::kOff;
  return client;
}

// Of this run alone, so that it can be deleted whatever else is there.
client::Namespace RunNamespace(uint64_t block_bytes) {
  client::Namespace ns;
  ns.engine = "halflife-bench";
  ns.model_name = "bench";
  ns.kv_dtype = "synthetic";
  ns.user_tag = absl::StrCat(getpid(), "-", absl::Hex(std::random_device{}(), absl::kZeroPad8));
  ns.tokens_per_block = 16;
  ns.block_bytes = block_bytes;
  ns.hash_scheme = client::HashScheme::kOpaque;
  return ns;
}

// Where the calls of a run went.
std::string PathOf(const Context& context, const client::Stats& stats, const BenchTally& tally) {
  const uint64_t calls = tally.get.calls() + tally.put.calls();
  const uint64_t shared = stats.shm_gets + stats.shm_puts;
  if (shared == 0) return IsUnixSocket(context.endpoint) ? "unix" : "tcp";
  return shared >= calls && stats.shm_fallbacks == 0 ? "shm" : "mixed";
}

// One block size on a client of its own. Deletes what it has put, however it ends. Returns: kExitOk
// and `row`, or the exit code.
int RunOne(const Context& context, const Options& options, const InterruptFlag& interrupt,
           BenchRow& row) {
  std::string error;
  const auto client = client::Client::Open(ClientOptions(context, options), &error);
  if (client == nullptr) return FailUsage(error);
  const client::NamespaceHandle ns =
      client->OpenNamespace(RunNamespace(row.options.block_bytes), &error);
  if (!ns) return FailUsage("namespace: " + error);
  const bool shared = !options.fetch && options.path != "unix" && options.path != "tcp" &&
                      client->AwaitSharedMemory(kSharedMemoryWait);
  if (options.path == "shm" && !shared) {
    return FailDaemon(context.endpoint,
                      absl::UnavailableError("no shared memory: the daemon does not offer it, or "
                                             "runs elsewhere or as another user"));
  }
  std::optional<ProgressLine> progress;
  std::string shown_phase;
  BenchWatch watch{.interrupted = &interrupt.flag()};
  watch.progress = [&](const char* phase, double share) {
    if (phase != shown_phase) progress.emplace(shown_phase = phase, context.ShowsProgress());
    progress->Update(share, client->stats().gets + client->stats().puts);
  };
  ClientBlockService service(client.get(), options.fetch);
  row.fetch = options.fetch;
  row.result = RunBench(service, ns, row.options, watch, Clock::Real());
  progress.reset();
  row.path = PathOf(context, client->stats(), row.result.tally);
  row.verify = options.verify == "on";
  const bool deleted = client->DeleteNamespace(ns) >= 0;
  if (row.result.fill != client::Outcome::kOk) return FailCall(context.endpoint, row.result.fill);
  if (!deleted) {
    return FailDaemon(context.endpoint,
                      absl::UnavailableError(
                          "the benchmark's blocks could not be deleted: see halflife namespaces"));
  }
  return kExitOk;
}

int Judge(const Context& context, const std::vector<BenchRow>& rows) {
  BenchTally sum;
  bool interrupted = false;
  for (const BenchRow& row : rows) {
    sum.Add(row.result.tally);
    interrupted = interrupted || row.result.interrupted;
  }
  if (sum.get.wrong_blocks > 0) {
    std::fprintf(stderr, "halflife: %lu blocks with wrong bytes\n",
                 static_cast<unsigned long>(sum.get.wrong_blocks));
    return kExitWrongBytes;
  }
  for (const client::Outcome outcome : {client::Outcome::kUnavailable, client::Outcome::kTimeout}) {
    const uint64_t calls = sum.get.OutcomeCount(outcome) + sum.put.OutcomeCount(outcome);
    if (calls == 0) continue;
    std::fprintf(stderr, "halflife: %s: %lu calls: %s\n", context.endpoint.c_str(),
                 static_cast<unsigned long>(calls), client::OutcomeName(outcome));
    return kExitUnavailable;
  }
  if (interrupted) {
    std::fprintf(stderr, "halflife: interrupted: figures up to then\n");
    return kExitFailed;
  }
  return kExitOk;
}

int RunBenchCommand(const Context& context, const Options& options) {
  if (options.path == "unix" && !IsUnixSocket(context.endpoint)) {
    return FailUsage("--path unix: the endpoint is not a Unix socket");
  }
  if (options.path == "tcp" && IsUnixSocket(context.endpoint)) {
    return FailUsage("--path tcp: the endpoint is a Unix socket");
  }
  if (options.path == "shm" && options.fetch) {
    return FailUsage("--path shm: a Fetch goes over the socket");
  }
  if (options.block_sizes.size() > kMaxBlockSizes) {
    return FailUsage(absl::StrCat("--block-size: at most ", kMaxBlockSizes, " sizes"));
  }
  std::vector<BenchRow> rows;
  for (const std::string& size : options.block_sizes) {
    const auto bytes = ParseBytes(size);
    if (!bytes.ok()) return FailInput(bytes.status());
    rows.push_back({.options = options.bench});
    rows.back().options.block_bytes = *bytes;
    const absl::Status valid = rows.back().options.Validate();
    if (!valid.ok()) return FailInput(valid);
  }
  DaemonConnection daemon(context.endpoint);
  const auto there = daemon.GetStats();
  if (!there.ok()) return FailDaemon(context.endpoint, there.status());

  const InterruptFlag interrupt;
  size_t done = 0;
  int failed = kExitOk;
  for (; done < rows.size() && !interrupt.flag() && failed == kExitOk; ++done) {
    failed = RunOne(context, options, interrupt, rows[done]);
  }
  rows.resize(done);
  const int printed = context.Print(MakeBenchReport(rows));
  if (failed != kExitOk) return failed;
  const int judged = Judge(context, rows);
  return judged != kExitOk ? judged : printed;
}

void AddWorkOptions(CLI::App* command, Options& options) {
  command
      ->add_option("--block-size", options.block_sizes,
                   "Bytes of a block; several, such as 64KiB,1MiB, run one after the other")
      ->delimiter(',')
      ->capture_default_str()
      ->type_name("SIZE");
  command->add_option("--blocks", options.bench.blocks_per_call, "Blocks in a call, 1 to 128")
      ->capture_default_str();
  command
      ->add_option("--concurrency", options.bench.callers, "Callers, each with one call under way")
      ->check(CLI::Range(1, kMaxBenchCallers))
      ->capture_default_str();
  command
      ->add_option("--read-share", options.bench.read_share,
                   "Of the calls: 1 only Gets, 0 only Puts")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  AddBytes(command, "--working-set", options.bench.working_set_bytes,
           "Bytes put before, among which Gets pick; never more are held");
  AddDuration(command, "--duration", options.bench.duration, "How long to measure");
  command->add_option("-n,--count", options.bench.count, "Calls to measure, instead of a duration")
      ->capture_default_str();
  AddDuration(command, "--warm-up", options.bench.warm_up, "How long to call before measuring");
  command->add_option("--seed", options.bench.seed, "Of the calls' order")->capture_default_str();
}

}  // namespace

void AddBenchCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "bench", "Measure Gets and Puts against a running daemon, and leave nothing behind");
  auto options = std::make_shared<Options>();
  command->add_option("--path", options->path, "How blocks travel: auto, shm, unix or tcp")
      ->check(CLI::IsMember({"auto", "shm", "unix", "tcp"}))
      ->capture_default_str();
  command->add_flag("--fetch", options->fetch,
                    "Read by Fetch, last block first, instead of Get; over the socket");
  AddWorkOptions(command, *options);
  command
      ->add_option("--verify", options->verify,
                   "Whether the client checks every block's checksum, as an engine would")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command->add_option("--connections", options->connections, "Channels to the daemon")
      ->check(CLI::Range(1, kMaxBenchCallers))
      ->capture_default_str();
  command
      ->add_option("--copy-threads", options->copy_threads,
                   "Threads that copy one Get out of shared memory")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunBenchCommand(context, *options); });
}

}  // namespace halflife::tools
