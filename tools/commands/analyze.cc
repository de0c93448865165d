#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/status.h"
#include "tools/admin/live_source.h"
#include "tools/analyze/analysis_report.h"
#include "tools/analyze/category_pins_file.h"
#include "tools/analyze/category_report.h"
#include "tools/analyze/html_report.h"
#include "tools/analyze/tree_page.h"
#include "tools/cli/payload_file.h"
#include "tools/cli/simulation_options.h"
#include "tools/cli/trace_options.h"
#include "tools/commands/commands.h"
#include "tools/output/progress_line.h"

namespace halflife::tools {
namespace {

// The curve of the page.
constexpr double kSmallestShare = 0.005;
constexpr double kLargestShare = 0.5;
constexpr int kCurvePoints = 7;

struct Options {
  std::string path;
  bool live = false;  // instead of a path
  TraceOptions trace;
  std::string html;  // file; empty = none
  std::string policies = "model,lru,optimum";
  int jobs = 0;
  std::vector<std::string> pins;  // as AttributeSchema::ParsePins reads them
  std::string write_pins;         // file; empty = none
  bool evidence = false;
};

std::vector<GridCell> CapacityCurve(const Context& context, const Options& options,
                                    const SimulatedTrace& trace) {
  GridOptions grid;
  grid.policies = ParsePolicies(options.policies).value();  // checked before
  grid.jobs = JobsOrCpus(options.jobs);
  const auto shares = LogSpacedShares(kSmallestShare, kLargestShare, kCurvePoints).value();
  for (const Capacity& share : shares) {
    const auto capacity = CapacityFor(share, trace, 1);
    if (capacity.ok()) grid.capacities.push_back(*capacity);  // a small trace has no small share
  }
  ProgressLine progress("simulating", context.ShowsProgress());
  return RunGrid(trace, grid, [&progress](double share, uint64_t requests) {
    progress.Update(share, requests);
  });
}

absl::Status WriteText(const std::string& path, const std::string& text) {
  HL_ASSIGN_OR_RETURN(PayloadFile file, PayloadFile::OpenToWrite(path));
  HL_RETURN_IF_ERROR(file.Write({reinterpret_cast<const uint8_t*>(text.data()), text.size()}));
  return file.Close();
}

struct Analyzed {
  const SimulatedTrace& trace;
  TraceAnalysis& analysis;
  const CategoryStudy& study;
};

absl::Status WritePage(const Context& context, const Options& options, const Analyzed& analyzed) {
  const std::string title =
      options.live ? context.endpoint : options.path.substr(options.path.rfind('/') + 1);
  const std::string page =
      HtmlReport(title, analyzed.analysis, CapacityCurve(context, options, analyzed.trace),
                 CategoryTables(analyzed.study, false), TreeAsHtml(analyzed.study));
  return WriteText(options.html, page);
}

int RunAnalyze(const Context& context, const Options& options) {
  if (options.live == !options.path.empty()) {
    return FailUsage("give a trace, or --live for what the daemon at --endpoint has looked up");
  }
  const auto policies = ParsePolicies(options.policies);
  if (!policies.ok()) return FailInput(policies.status());
  CategoryRequests requests;
  requests.only_said = !options.write_pins.empty();
  auto pins = requests.schema.ParsePins(absl::StrJoin(options.pins, ";"));
  if (!pins.ok()) return FailInput(pins.status());
  std::unique_ptr<LiveSource> live;
  if (options.live) {
    auto opened = LiveSource::Open(context.endpoint);
    if (!opened.ok()) return FailDaemon(context.endpoint, opened.status());
    live = *std::move(opened);
  }
  const auto trace = live != nullptr ? LoadRequests(context, *live, &requests)
                                     : LoadTrace(context, options.path, options.trace, &requests);
  if (!trace.ok()) return FailInput(trace.status());
  TraceAnalysis analysis = AnalyzeTrace(*trace);
  const CategoryStudy study = StudyCategories(*trace, requests, *std::move(pins));
  if (!options.write_pins.empty()) {
    const absl::Status written = WriteText(options.write_pins, PinsAsConfig(study));
    if (!written.ok()) return FailInput(written);
    if (options.write_pins == "-") return kExitOk;
  }
  if (!options.html.empty()) {
    const absl::Status written = WritePage(context, options, {*trace, analysis, study});
    if (!written.ok()) return FailInput(written);
    if (options.html == "-") return kExitOk;
  }
  const bool with_details = context.output != OutputFormat::kTable;
  Report report = AnalysisReport(analysis, with_details);
  if (live != nullptr) report.tables.insert(report.tables.begin(), live->sample().AsTable());
  for (Table& table : CategoryTables(study, with_details)) {
    report.tables.push_back(std::move(table));
  }
  if (options.evidence) AddEvidence(analysis, report);
  return context.Print(report);
}

}  // namespace

void AddAnalyzeCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "analyze", "How blocks of a trace are reused: volume, skew, gaps, positions, categories");
  auto options = std::make_shared<Options>();
  command->add_option("trace", options->path, "File, or - for standard input");
  command->add_flag("--live", options->live,
                    "Instead of a trace: what the daemon at --endpoint has looked up lately, on a "
                    "hash sample of the blocks");
  AddTraceOptions(command, options->trace);
  command
      ->add_option("--html", options->html,
                   "Also write one page with plots to this file (- for standard output, instead of "
                   "the tables)")
      ->type_name("FILE");
  command->add_option("-p,--policy", options->policies, "Policies of the page's capacity curve")
      ->type_name("NAME,…")
      ->capture_default_str();
  command
      ->add_option("--pin", options->pins,
                   "A category of its own, before the tree: 'NAME: ATTRIBUTE=VALUE|VALUE …', with "
                   "attributes type, sub_agent, turn, stop, role, blocks, template, lora, tenant; "
                   "several with ; between them (can be repeated)")
      ->type_name("PIN");
  command
      ->add_option("--write-pins", options->write_pins,
                   "Write the categories as storage.category_pins of a daemon to this file (- for "
                   "standard output, instead of the tables); the tree then asks only for what "
                   "callers say")
      ->type_name("FILE");
  command->add_flag("--evidence", options->evidence,
                    "Also print the counts that skew, percentiles and positions are computed from");
  command->add_option("-j,--jobs", options->jobs, "Simulations at a time; 0 = one per CPU")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  context.OnRun(command, [&context, options] { return RunAnalyze(context, *options); });
}

}  // namespace halflife::tools
