#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "common/status.h"
#include "common/strings.h"
#include "tools/admin/daemon_connection.h"
#include "tools/admin/live_source.h"
#include "tools/cli/option_values.h"
#include "tools/cli/simulation_options.h"
#include "tools/cli/trace_options.h"
#include "tools/commands/commands.h"
#include "tools/output/progress_line.h"
#include "tools/plan/plan_report.h"
#include "tools/simulate/front_cache.h"

namespace halflife::tools {
namespace {

constexpr double kLargestNumber = 1e9;

struct Options {
  std::string path;
  TraceOptions trace;
  std::string target_hit;
  absl::Duration ttft = absl::ZeroDuration();
  std::string front;  // capacity of a front cache; empty = none
  Hardware hardware;
  CLI::Option* token_bytes = nullptr;  // whether it was given
  bool backtest = false;
  bool live = false;
  std::string observed;  // CAPACITY=SHARE; empty = none
  bool evidence = false;
  int jobs = 0;
};

absl::StatusOr<PlanTarget> TargetOf(const Options& options) {
  PlanTarget target;
  if (options.ttft > absl::ZeroDuration()) {
    target.mean_ttft_s = absl::ToDoubleSeconds(options.ttft);
    return target;
  }
  if (options.target_hit.empty()) {
    return absl::InvalidArgumentError(
        "nothing to plan for: give --target-hit 0.5 (a share of the looked-up blocks) or --ttft "
        "500ms (a mean time to first token)");
  }
  HL_ASSIGN_OR_RETURN(target.hit_ratio, OfOption("--target-hit", ParseShare(options.target_hit)));
  if (*target.hit_ratio <= 0) return absl::InvalidArgumentError("--target-hit must be above 0");
  return target;
}

absl::Status CheckHardware(const Options& options) {
  const Hardware& hardware = options.hardware;
  if (hardware.token_bytes == 0) {
    return absl::InvalidArgumentError("--token-bytes must be at least 1");
  }
  if (hardware.dram_read_bytes_per_s == 0 || hardware.ssd_read_bytes_per_s == 0) {
    return absl::InvalidArgumentError(
        "--dram-read and --ssd-read must be at least 1 byte a second");
  }
  if (hardware.drive_bytes == 0) return absl::InvalidArgumentError("--drive must not be empty");
  if (options.path.empty() && !options.live) {
    return absl::InvalidArgumentError(
        "give a trace, or --live for what the daemon at --endpoint has looked up");
  }
  const bool observes = !options.observed.empty() || (options.live && !options.path.empty());
  if (!options.backtest && observes) {
    return absl::InvalidArgumentError(
        "--live beside a trace, and --observed, say what a cache showed, which is for --backtest: "
        "add that");
  }
  return absl::OkStatus();
}

absl::StatusOr<Observation> ObservationOf(const Options& options, const SimulatedTrace& trace) {
  const size_t equals = options.observed.find('=');
  if (equals == std::string::npos) {
    return absl::InvalidArgumentError(
        StrCat("--observed '", options.observed, "': give CAPACITY=SHARE, as in 64GiB=31%"));
  }
  HL_ASSIGN_OR_RETURN(const Capacity capacity,
                      OfOption("--observed", ParseCapacity(options.observed.substr(0, equals))));
  HL_ASSIGN_OR_RETURN(const TraceCapacity blocks,
                      CapacityFor(capacity, trace, options.hardware.token_bytes));
  HL_ASSIGN_OR_RETURN(const double share,
                      OfOption("--observed", ParseShare(options.observed.substr(equals + 1))));
  return Observation{"--observed", blocks.blocks, share};
}

// What it has counted while it looked up what is planned for.
Observation ObservationOf(const std::string& endpoint, const LiveSample& sample) {
  const uint64_t block_bytes = std::max<uint64_t>(sample.block_bytes, 1);
  return {endpoint, sample.capacity_bytes / block_bytes / sample.blocks_per_block(),
          static_cast<double>(sample.hit_blocks) / static_cast<double>(sample.lookup_blocks)};
}

// What the daemon at the endpoint has counted since it started.
absl::StatusOr<Observation> LiveObservation(const Context& context, const Options& options,
                                            const SimulatedTrace& trace) {
  DaemonConnection daemon(context.endpoint);
  HL_ASSIGN_OR_RETURN(const v1::GetStatsResponse stats, daemon.GetStats());
  uint64_t capacity_bytes = 0;
  for (const v1::TierUsage& tier : stats.tiers()) capacity_bytes += tier.capacity_bytes();
  uint64_t lookups = 0;
  uint64_t hits = 0;
  for (const v1::CategoryUsage& category : stats.categories()) {
    lookups += category.lookup_blocks();
    hits += category.dram_hit_blocks() + category.ssd_hit_blocks();
  }
  if (lookups == 0) {
    return absl::FailedPreconditionError("it has looked up no block yet: replay a trace first");
  }
  const double blocks =
      static_cast<double>(capacity_bytes) / options.hardware.block_bytes(trace.block_tokens);
  return Observation{context.endpoint, static_cast<uint64_t>(blocks),
                     static_cast<double>(hits) / static_cast<double>(lookups)};
}

absl::StatusOr<std::vector<Observation>> Observations(const Context& context,
                                                      const Options& options,
                                                      const SimulatedTrace& trace,
                                                      const LiveSource* live,
                                                      bool& is_daemon_failure) {
  std::vector<Observation> observations;
  if (!options.observed.empty()) {
    HL_ASSIGN_OR_RETURN(Observation seen, ObservationOf(options, trace));
    observations.push_back(std::move(seen));
  }
  if (live != nullptr) {
    observations.push_back(ObservationOf(context.endpoint, live->sample()));
  } else if (options.live) {
    auto seen = LiveObservation(context, options, trace);
    is_daemon_failure = !seen.ok();
    if (!seen.ok()) return seen.status();
    observations.push_back(*std::move(seen));
  }
  return observations;
}

absl::StatusOr<SimulatedTrace> TraceOf(const Context& context, const Options& options,
                                       LiveSource* live) {
  HL_ASSIGN_OR_RETURN(SimulatedTrace trace, live != nullptr
                                                ? LoadRequests(context, *live)
                                                : LoadTrace(context, options.path, options.trace));
  if (options.front.empty()) return trace;
  HL_ASSIGN_OR_RETURN(const Capacity front,
                      OfOption("--front-cache", ParseCapacity(options.front)));
  HL_ASSIGN_OR_RETURN(const TraceCapacity size,
                      CapacityFor(front, trace, options.hardware.token_bytes));
  trace = WithFrontCache(trace, size.blocks);
  if (trace.requests.empty()) {
    return absl::InvalidArgumentError(StrCat("a front cache of ", options.front,
                                             " leaves nothing of this trace: make it smaller"));
  }
  return trace;
}

// What the daemon says of its blocks counts, unless the caller knows better.
Hardware HardwareOf(const Options& options, const LiveSource* live) {
  Hardware hardware = options.hardware;
  if (live == nullptr || options.token_bytes->count() > 0) return hardware;
  const LiveSample& sample = live->sample();
  if (sample.block_bytes >= sample.block_tokens && sample.block_tokens > 0) {
    // To the nearest: where namespaces differ, it is a mean.
    hardware.token_bytes = (sample.block_bytes + sample.block_tokens / 2) / sample.block_tokens;
  }
  return hardware;
}

int RunPlan(const Context& context, Options options) {
  const absl::Status checked = CheckHardware(options);
  if (!checked.ok()) return FailInput(checked);
  const auto target = TargetOf(options);
  if (!target.ok()) return FailInput(target.status());
  std::unique_ptr<LiveSource> live;
  if (options.path.empty()) {
    auto opened = LiveSource::Open(context.endpoint);
    if (!opened.ok()) return FailDaemon(context.endpoint, opened.status());
    live = *std::move(opened);
  }
  options.hardware = HardwareOf(options, live.get());
  const auto trace = TraceOf(context, options, live.get());
  if (!trace.ok()) return FailInput(trace.status());
  bool is_daemon_failure = false;
  const auto observations = Observations(context, options, *trace, live.get(), is_daemon_failure);
  if (is_daemon_failure) return FailDaemon(context.endpoint, observations.status());
  if (!observations.ok()) return FailInput(observations.status());

  const ReuseClasses reuse = LearnReuseClasses(*trace);
  const auto plan = MakePlan(*trace, reuse, *target, options.hardware);
  if (!plan.ok()) return FailInput(plan.status());
  Report report =
      PlanReport(*plan, reuse, options.hardware, context.output == OutputFormat::kTable);
  if (live != nullptr) report.tables.insert(report.tables.begin(), live->sample().AsTable());
  if (options.backtest) {
    ProgressLine progress("simulating", context.ShowsProgress());
    AddBacktest(RunBacktest(*trace, reuse, *observations, JobsOrCpus(options.jobs),
                            [&progress](double share, uint64_t requests) {
                              progress.Update(share, requests);
                            }),
                report);
  }
  if (options.evidence) AddEvidence(reuse, report);
  return context.Print(report);
}

// Returns the option of the bytes of a token.
CLI::Option* AddHardwareOptions(CLI::App* command, Hardware& hardware) {
  const auto number = [command](const char* name, double& value, const char* description,
                                double least) {
    command->add_option(name, value, description)
        ->check(CLI::Range(least, kLargestNumber))
        ->capture_default_str();
  };
  CLI::Option* token_bytes =
      AddBytes(command, "--token-bytes", hardware.token_bytes,
               "KV bytes of one token; with --live alone what the daemon's blocks have");
  number("--recompute-token-us", hardware.recompute_token_us,
         "Prefill of one token without a prefix, in microseconds", 1e-6);
  AddBytes(command, "--dram-read", hardware.dram_read_bytes_per_s,
           "Bytes a second from DRAM to the GPU");
  AddBytes(command, "--ssd-read", hardware.ssd_read_bytes_per_s,
           "Bytes a second from SSD to the GPU");
  number("--gpu-usd", hardware.gpu_usd_per_hour, "Price of a GPU hour", 0);
  number("--dram-usd", hardware.dram_usd_per_gib_hour,
         "Rent of 1 GiB of DRAM for an hour; 0 if it is there anyway", 0);
  number("--ssd-usd", hardware.ssd_usd_per_gib_hour, "Rent of 1 GiB of SSD for an hour", 0);
  AddBytes(command, "--drive", hardware.drive_bytes, "Size of the drive, for its endurance");
  number("--dwpd", hardware.drive_writes_per_day, "Drive writes per day it is made for", 1e-6);
  number("--write-amplification", hardware.write_amplification,
         "Bytes that reach the flash per byte written", 1);
  return token_bytes;
}

}  // namespace

void AddPlanCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "plan", "How much DRAM and SSD a hit ratio or a TTFT takes, and what the next GiB brings");
  auto options = std::make_shared<Options>();
  command->add_option("trace", options->path,
                      "File, or - for standard input; without one, --live must be given");
  AddTraceOptions(command, options->trace);
  CLI::Option* hit = command->add_option("--target-hit", options->target_hit,
                                         "Hit ratio to reach: looked-up blocks (0.5 or 50%)");
  hit->type_name("SHARE");
  AddDuration(command, "--ttft", options->ttft, "Mean time to first token to reach, no queueing")
      ->excludes(hit);
  command
      ->add_option("--front-cache", options->front,
                   "Size of an engine's own LRU cache in front, whose hits are not counted (2%)")
      ->type_name("CAPACITY");
  options->token_bytes = AddHardwareOptions(command, options->hardware);
  command->add_flag("--backtest", options->backtest,
                    "Also simulate, and say how far the plan is from that");
  command->add_flag("--live", options->live,
                    "Plan for what the daemon at --endpoint has looked up lately; beside a trace: "
                    "backtest against what it has counted");
  command
      ->add_option("--observed", options->observed,
                   "Backtest against this as well: what a cache of a capacity hit (64GiB=31%)")
      ->type_name("CAPACITY=SHARE");
  command->add_flag("--evidence", options->evidence,
                    "Also print the life tables and rates that the curve is computed from");
  command->add_option("-j,--jobs", options->jobs, "Simulations at a time; 0 = one per CPU")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunPlan(context, *options); });
}

}  // namespace halflife::tools
