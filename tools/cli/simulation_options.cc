#include "tools/cli/simulation_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "absl/strings/match.h"
#include "common/status.h"
#include "common/strings.h"
#include "tools/analyze/category_online.h"
#include "tools/cli/option_values.h"
#include "tools/cli/trace_options.h"
#include "tools/output/progress_line.h"
#include "tools/simulate/front_cache.h"
#include "tools/simulate/release_hints.h"

namespace halflife::tools {
namespace {

// 128 KiB: Llama-3-8B in 16 bits (32 layers x 8 KV heads x 128 x 2 tensors x 2 bytes).
constexpr uint64_t kDefaultTokenBytes = uint64_t{128} << 10;
constexpr uint64_t kMaxTokenBytes = uint64_t{64} << 20;
constexpr int kMaxJobs = 256;

absl::StatusOr<double> DramShare(const SimulationOptions& options) {
  double share = 1;
  if (!options.dram.empty()) {
    HL_ASSIGN_OR_RETURN(share, OfOption("--dram", ParseShare(options.dram)));
  } else if (!options.ssd.empty()) {
    HL_ASSIGN_OR_RETURN(share, OfOption("--ssd-ratio", ParseShare(options.ssd)));
    share = 1 - share;
  }
  if (share <= 0) return absl::InvalidArgumentError("a part of the capacity must be DRAM");
  return share;
}

// Checked before the trace is read, which may take a while.
absl::StatusOr<GridOptions> CheckedOptions(const SimulationOptions& options) {
  GridOptions grid;
  HL_ASSIGN_OR_RETURN(grid.policies, ParsePolicies(options.policies));
  HL_ASSIGN_OR_RETURN(grid.dram_share, DramShare(options));
  if (!options.front.empty()) {
    HL_RETURN_IF_ERROR(OfOption("--front-cache", ParseCapacity(options.front)).status());
  }
  if (!options.released.empty()) {
    HL_RETURN_IF_ERROR(OfOption("--released", ParseShare(options.released)).status());
  }
  if (!options.write_budget.empty()) {
    HL_RETURN_IF_ERROR(OfOption("--write-budget", ParseCapacity(options.write_budget)).status());
  }
  const bool limits_writes = !options.write_budget.empty() || options.admission != "score";
  if (limits_writes && grid.dram_share >= 1) {
    return absl::InvalidArgumentError(
        "--write-budget and --admission are about writes to SSD, and there is none: give --dram "
        "10% as well, for example");
  }
  if (options.token_bytes == 0 || options.token_bytes > kMaxTokenBytes) {
    return absl::InvalidArgumentError("--token-bytes must be from 1 to 64MiB");
  }
  grid.objective = options.objective == "time" ? Objective::kTime : Objective::kHits;
  grid.admission_rule =
      options.admission == "hit-twice" ? SsdAdmission::Rule::kHitTwice : SsdAdmission::Rule::kScore;
  grid.seed = options.seed;
  grid.jobs = JobsOrCpus(options.jobs);
  grid.second_half_only = options.second_half;
  return grid;
}

// Hands on what another source says, and counts what is not in the order of time.
class OrderWatch final : public RequestSource {
 public:
  explicit OrderWatch(RequestSource& source) : source_(source) {}

  absl::StatusOr<bool> Next(Request& request) override {
    HL_ASSIGN_OR_RETURN(const bool any, source_.Next(request));
    if (!any) return false;
    ++requests_;
    if (request.time_s < latest_s_) ++out_of_order_;
    latest_s_ = std::max(latest_s_, request.time_s);
    return true;
  }
  uint32_t block_tokens() const override { return source_.block_tokens(); }
  double progress() const override { return source_.progress(); }

  uint64_t requests() const { return requests_; }
  uint64_t out_of_order() const { return out_of_order_; }

 private:
  RequestSource& source_;
  double latest_s_ = 0;
  uint64_t requests_ = 0;
  uint64_t out_of_order_ = 0;
};

int PrintCells(const Context& context, const std::vector<GridCell>& cells, CellColumns columns,
               RowsAre rows) {
  switch (context.output) {
    case OutputFormat::kJson:
      return context.PrintText(RenderJsonLines(CellTable(cells, columns)));
    case OutputFormat::kCsv:
      return context.Print(Report{{CellTable(cells, columns)}});
    case OutputFormat::kTable:
      break;
  }
  return context.Print(GridReport(cells, rows));
}

absl::StatusOr<std::vector<GridCell>> Simulated(const Context& context,
                                                const SimulationOptions& options,
                                                const std::vector<Capacity>& capacities) {
  HL_ASSIGN_OR_RETURN(GridOptions grid, CheckedOptions(options));
  const bool by_tree = options.categories == "tree";
  CategoryRequests requests;
  HL_ASSIGN_OR_RETURN(SimulatedTrace trace, LoadTrace(context, options.path, options.trace,
                                                      by_tree ? &requests : nullptr));
  if (by_tree) AssignTreeCategories(requests, trace);
  for (const Capacity& capacity : capacities) {
    HL_ASSIGN_OR_RETURN(TraceCapacity blocks, CapacityFor(capacity, trace, options.token_bytes));
    grid.capacities.push_back(std::move(blocks));
  }
  if (!options.write_budget.empty()) {
    HL_ASSIGN_OR_RETURN(const Capacity budget, ParseCapacity(options.write_budget));
    HL_ASSIGN_OR_RETURN(grid.write_budget_blocks_per_day,
                        BlocksPerDay(budget, trace, options.token_bytes));
  }
  if (!options.front.empty()) {
    HL_ASSIGN_OR_RETURN(const Capacity front, ParseCapacity(options.front));
    HL_ASSIGN_OR_RETURN(const TraceCapacity size, CapacityFor(front, trace, options.token_bytes));
    trace = WithFrontCache(trace, size.blocks);
  }
  if (!options.released.empty()) {
    HL_ASSIGN_OR_RETURN(const double share, ParseShare(options.released));
    MarkReleases(share, options.seed, &trace);
  }
  ProgressLine progress("simulating", context.ShowsProgress());
  return RunGrid(trace, grid, [&progress](double share, uint64_t requests) {
    progress.Update(share, requests);
  });
}

}  // namespace

int JobsOrCpus(int jobs) {
  return jobs > 0 ? jobs : std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

absl::StatusOr<SimulatedTrace> LoadRequests(const Context& context, RequestSource& source,
                                            CategoryRequests* recorded) {
  std::optional<CategoryRecorder> recorder;
  if (recorded != nullptr) recorder.emplace(source, *recorded);
  ProgressLine progress("reading", context.ShowsProgress());
  return LoadSimulatedTrace(
      recorder ? static_cast<RequestSource&>(*recorder) : source,
      [&progress](double share, uint64_t requests) { progress.Update(share, requests); });
}

absl::StatusOr<SimulatedTrace> LoadTrace(const Context& context, const std::string& path,
                                         const TraceOptions& options, CategoryRequests* recorded) {
  HL_ASSIGN_OR_RETURN(const auto reader, TraceReader::Open(path, options));
  OrderWatch ordered(*reader);
  auto trace = LoadRequests(context, ordered, recorded);
  if (!trace.ok() && !absl::StrContains(trace.status().message(), path)) {
    return absl::Status(trace.status().code(), StrCat(path, ": ", ToStd(trace.status().message())));
  }
  if (ordered.out_of_order() > 0) {
    std::fprintf(stderr,
                 "halflife: warning: %s: %lu of %lu requests are earlier than one before them, and "
                 "count as if at its time: sort the trace by time\n",
                 path.c_str(), static_cast<unsigned long>(ordered.out_of_order()),
                 static_cast<unsigned long>(ordered.requests()));
  }
  return trace;
}

void AddSimulationOptions(CLI::App* command, SimulationOptions& options) {
  options.token_bytes = kDefaultTokenBytes;
  command->add_option("trace", options.path, "File, or - for standard input")->required();
  AddTraceOptions(command, options.trace);
  command
      ->add_option("-p,--policy", options.policies,
                   StrCat("One or more of ", PolicyNames(), ", separated by commas, or all"))
      ->type_name("NAME,…")
      ->capture_default_str();
  command
      ->add_option("--objective", options.objective,
                   "What a hit is worth: one block, or the recompute time that it saves (time)")
      ->check(CLI::IsMember({"hits", "time"}))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "Of policies that draw lots")->capture_default_str();
  command->add_option("-j,--jobs", options.jobs, "Simulations at a time; 0 = one per CPU")
      ->check(CLI::Range(0, kMaxJobs))
      ->capture_default_str();
  CLI::Option* dram =
      command->add_option("--dram", options.dram,
                          "Share of the capacity that is DRAM, the rest is SSD (10%); policies "
                          "without tiers have it all in one");
  dram->type_name("SHARE");
  command->add_option("--ssd-ratio", options.ssd, "The same as the share that is SSD (90%)")
      ->type_name("SHARE")
      ->excludes(dram);
  command
      ->add_option("--write-budget", options.write_budget,
                   "Writes to SSD that may be made: a share of the trace's block references (10%), "
                   "or bytes per day (3TiB)")
      ->type_name("BUDGET");
  command
      ->add_option("--admission", options.admission,
                   "Which blocks go to SSD: those of best score that the budget pays for (score), "
                   "or those that were hit at least twice (hit-twice)")
      ->check(CLI::IsMember({"score", "hit-twice"}))
      ->capture_default_str();
  command
      ->add_option("--front-cache", options.front,
                   "Size of an engine's own LRU cache in front, whose hits are not counted (2%)")
      ->type_name("CAPACITY");
  command
      ->add_option("--categories", options.categories,
                   "What the model and wa go by: the type, turn and stop reason of a request "
                   "(attributes), or a tree grown as the trace goes on (tree)")
      ->check(CLI::IsMember({"attributes", "tree"}))
      ->capture_default_str();
  command
      ->add_option("--released", options.released,
                   "Share of the requests after which nobody comes back that say so with a RELEASE "
                   "hint, which the model heeds (50%)")
      ->type_name("SHARE");
  command->add_flag("--second-half", options.second_half,
                    "Count only the second half of the requests");
  AddBytes(command, "--token-bytes", options.token_bytes,
           "KV bytes of one token, for capacities in bytes");
  command->add_flag("--details", options.details,
                    "More columns in json and csv: the share of the way from LRU to the optimum, "
                    "DRAM, and what of the write budget was used");
}

int RunSimulations(const Context& context, const SimulationOptions& options,
                   const std::vector<Capacity>& capacities, RowsAre rows) {
  const auto cells = Simulated(context, options, capacities);
  if (!cells.ok()) return FailInput(cells.status());
  return PrintCells(context, *cells, options.details ? CellColumns::kAll : CellColumns::kContract,
                    rows);
}

}  // namespace halflife::tools
