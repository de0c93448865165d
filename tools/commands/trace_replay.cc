#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "common/limits.h"
#include "common/replay_clock.h"
#include "tools/admin/daemon_connection.h"
#include "tools/cli/trace_options.h"
#include "tools/commands/commands.h"
#include "tools/output/progress_line.h"
#include "tools/replay/replay.h"
#include "tools/replay/replay_report.h"
#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

constexpr int kMaxConcurrency = 64;

struct Options {
  std::string path;     // of a trace, or
  std::string profile;  // of a workload
  TraceOptions trace;
  WorkloadOptions workload;
  ReplayOptions replay;
  std::string speed = "max";
  std::string verify = "on";
  std::string tag;
  // A replay measures: it waits where an engine would give up, so that a slow answer is not counted
  // as a miss.
  absl::Duration lookup_budget = absl::Seconds(1);
  absl::Duration get_budget = absl::Seconds(5);
  absl::Duration put_budget = absl::Seconds(5);
  int connections = 1;
  std::string clock_file;
};

absl::StatusOr<std::unique_ptr<RequestSource>> OpenSource(const Options& options) {
  if (options.path.empty() == options.profile.empty()) {
    return absl::InvalidArgumentError("give either a trace or --profile");
  }
  if (!options.profile.empty()) {
    WorkloadOptions workload = options.workload;
    if (options.trace.block_tokens != 0) workload.block_tokens = options.trace.block_tokens;
    return MakeWorkload(options.profile, workload);
  }
  auto reader = TraceReader::Open(options.path, options.trace);
  if (!reader.ok()) return reader.status();
  return std::unique_ptr<RequestSource>(*std::move(reader));
}

// "max" is 0, "60x" or "60" is 60.
absl::StatusOr<double> ParseSpeed(const std::string& text) {
  double speed = 0;
  if (text == "max") return speed;
  if (!absl::SimpleAtod(absl::StripSuffix(text, "x"), &speed) || !(speed > 0) || speed > 1e6) {
    return absl::InvalidArgumentError(
        absl::StrCat("--speed: '", text, "' is not max or a factor such as 60x"));
  }
  return speed;
}

client::Options ClientOptions(const Context& context, const Options& options) {
  client::Options client;
  client.endpoint = context.endpoint;
  client.lookup_budget = absl::ToChronoMicroseconds(options.lookup_budget);
  client.get_budget = absl::ToChronoMicroseconds(options.get_budget);
  client.put_budget = absl::ToChronoMicroseconds(options.put_budget);
  client.connections = options.connections;
  return client;
}

client::Namespace ReplayNamespace(const Options& options, uint32_t block_tokens) {
  client::Namespace ns;
  ns.engine = "halflife-replay";
  ns.model_name = "replay";
  ns.kv_dtype = "synthetic";
  // Block ids of different traces have nothing to do with each other.
  ns.user_tag = options.tag;
  if (ns.user_tag.empty()) {
    ns.user_tag = options.profile.empty() ? std::filesystem::path(options.path).filename().string()
                                          : options.profile;
  }
  ns.tokens_per_block = block_tokens;
  ns.block_bytes = options.replay.worker.payload_bytes;
  ns.hash_scheme = client::HashScheme::kOpaque;
  return ns;
}

DaemonWork WorkOf(const v1::GetStatsResponse& stats) {
  DaemonWork work;
  for (const v1::TierUsage& tier : stats.tiers()) {
    (tier.tier() == v1::TIER_SSD ? work.evicted_ssd_blocks : work.evicted_dram_blocks) +=
        tier.evicted_blocks();
  }
  work.demoted_blocks = stats.demoted_blocks();
  work.promoted_blocks = stats.promoted_blocks();
  work.corrupt_blocks = stats.corrupt_blocks();
  return work;
}

// Counters after minus counters before; not known if the daemon was restarted in between.
std::optional<DaemonWork> WorkBetween(const v1::GetStatsResponse& before,
                                      const absl::StatusOr<v1::GetStatsResponse>& after) {
  if (!after.ok() || after->uptime_seconds() < before.uptime_seconds()) return std::nullopt;
  const DaemonWork start = WorkOf(before);
  DaemonWork work = WorkOf(*after);
  work.evicted_dram_blocks -= start.evicted_dram_blocks;
  work.evicted_ssd_blocks -= start.evicted_ssd_blocks;
  work.demoted_blocks -= start.demoted_blocks;
  work.promoted_blocks -= start.promoted_blocks;
  work.corrupt_blocks -= start.corrupt_blocks;
  return work;
}

int Finish(const Context& context, const ReplayResult& result,
           const std::optional<DaemonWork>& work) {
  const int printed = context.Print(MakeReplayReport(result, work));
  if (result.tally.wrong_bytes > 0) {
    std::fprintf(stderr, "halflife: %lu wrong bytes in %lu blocks\n",
                 static_cast<unsigned long>(result.tally.wrong_bytes),
                 static_cast<unsigned long>(result.tally.wrong_blocks));
    return kExitWrongBytes;
  }
  const uint64_t unavailable = result.tally.OutcomeCount(client::Outcome::kUnavailable);
  if (unavailable > 0 || !work) {
    std::fprintf(stderr, "halflife: %s: not available to %lu calls\n", context.endpoint.c_str(),
                 static_cast<unsigned long>(unavailable));
    return kExitUnavailable;
  }
  return printed;
}

int RunTraceReplay(const Context& context, Options options) {
  const auto speed = ParseSpeed(options.speed);
  if (!speed.ok()) return FailInput(speed.status());
  options.replay.speed = *speed;
  options.replay.worker.verify = options.verify == "on";
  auto source = OpenSource(options);
  if (!source.ok()) return FailInput(source.status());

  DaemonConnection daemon(context.endpoint);
  const auto before = daemon.GetStats();
  if (!before.ok()) return FailDaemon(context.endpoint, before.status());
  std::string error;
  const auto client = client::Client::Open(ClientOptions(context, options), &error);
  if (client == nullptr) return FailUsage(error);
  options.replay.worker.ns =
      client->OpenNamespace(ReplayNamespace(options, (*source)->block_tokens()), &error);
  if (!options.replay.worker.ns) return FailUsage("namespace: " + error);

  ProgressLine progress("replaying", context.ShowsProgress());
  options.replay.progress = [&progress](double share, uint64_t requests) {
    progress.Update(share, requests);
  };
  std::unique_ptr<ReplayClock> trace_time;
  if (!options.clock_file.empty()) {
    if (options.replay.speed > 0) return FailUsage("--clock-file: the trace's time has no --speed");
    auto opened = ReplayClock::Open(options.clock_file);
    if (!opened.ok()) return FailInput(opened.status());
    trace_time = *std::move(opened);
    options.replay.at_time = [&trace_time](double elapsed_s) { trace_time->MoveTo(elapsed_s); };
  }
  ClientBlockService service(client.get());
  const auto result = Replay(**source, service, options.replay, Clock::Real());
  progress.Clear();
  if (!result.ok()) return FailInput(result.status());
  return Finish(context, *result, WorkBetween(*before, daemon.GetStats()));
}

void AddSourceOptions(CLI::App* command, Options& options) {
  command->add_option("trace", options.path, "File, or - for standard input");
  command->add_option("--profile", options.profile, "Replay a generated workload instead")
      ->check(CLI::IsMember(WorkloadNames()));
  command->add_option("-n,--requests", options.workload.requests, "Of a generated workload")
      ->capture_default_str();
  command->add_option("--seed", options.workload.seed, "Of a generated workload")
      ->capture_default_str();
  command->add_option("--rate", options.workload.rate, "Of a generated workload, per second")
      ->capture_default_str();
  AddTraceOptions(command, options.trace);
}

void AddReplayOptions(CLI::App* command, Options& options) {
  command
      ->add_option("--speed", options.speed,
                   "Time compression such as 60x (open loop), or max (closed loop)")
      ->capture_default_str();
  command->add_option("--concurrency", options.replay.concurrency, "Requests under way at a time")
      ->check(CLI::Range(1, kMaxConcurrency))
      ->capture_default_str();
  command->add_option("--limit", options.replay.limit, "Stop after so many requests; 0 = all")
      ->capture_default_str();
  AddBytes(command, "--payload", options.replay.worker.payload_bytes, "Bytes of one block");
  command->add_option("--verify", options.verify, "Compare every byte that comes back")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command->add_option("--tag", options.tag,
                      "Separates this replay's blocks from others; default: name of the trace");
  command->add_option("--connections", options.connections, "Channels to the daemon")
      ->check(CLI::Range(1, kMaxConcurrency))
      ->capture_default_str();
  AddDuration(command, "--lookup-budget", options.lookup_budget, "Longest Lookup");
  AddDuration(command, "--get-budget", options.get_budget, "Longest Get, plus 2ms per MiB");
  // Not for users: a daemon as they have it knows only its own time.
  command->add_option("--clock-file", options.clock_file, "Of a daemon under test (ReplayClock)")
      ->group("");
  AddDuration(command, "--put-budget", options.put_budget, "Longest Put");
}

}  // namespace

void AddTraceReplayCommand(CLI::App& trace, Context& context) {
  CLI::App* command = trace.add_subcommand(
      "replay", "Do what an inference worker would for each request: look up, get, put the rest");
  auto options = std::make_shared<Options>();
  AddSourceOptions(command, *options);
  AddReplayOptions(command, *options);
  context.OnRun(command, [&context, options] {
    const uint64_t payload_bytes = options->replay.worker.payload_bytes;
    if (payload_bytes < kMinBlockBytes || payload_bytes > kMaxBlockBytes) {
      return FailUsage("--payload: a block has 4KiB to 256MiB");
    }
    return RunTraceReplay(context, *options);
  });
}

}  // namespace halflife::tools
