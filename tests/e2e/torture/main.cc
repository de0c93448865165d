// halflife_torture: looks for a wrong byte. See campaign.h; run with --help.

#include <CLI/CLI.hpp>
#include <cstdio>

#include "common/strings.h"
#include "tests/e2e/scratch_directory.h"
#include "tests/e2e/torture/report.h"

namespace halflife::e2e {
namespace {

// Well below what the default campaign shows on two busy cores: hit ratio 0.4 (half of its time is
// cold after a kill), read back 0.98, leased 1.0, named kills 0.45.
constexpr Floors kFloors = {
    .hit_ratio = 0.15, .read_back_ratio = 0.8, .named_kill_share = 0.15, .lease_ratio = 0.95};

int RunCampaign(CampaignOptions options, bool keep) {
  ScratchDirectory scratch("torture");
  options.directory = scratch.path();
  std::printf("seed %llu, directory %s\n", static_cast<unsigned long long>(options.seed),
              scratch.path().c_str());
  std::fflush(stdout);
  Campaign campaign(options);
  const absl::Status ran = campaign.Run();
  std::fputs(SummaryOf(campaign).c_str(), stdout);
  Floors floors = kFloors;
  floors.checked_reads = options.reads;
  std::vector<std::string> failures;
  if (ran.ok()) {
    failures = Failures(campaign, floors);
  } else {
    failures.emplace_back(ran.message());
  }
  for (const std::string& failure : failures) std::printf("FAILED: %s\n", failure.c_str());
  if (failures.empty()) std::puts("passed: wrong bytes 0");
  if (keep || !failures.empty()) {
    scratch.Keep();
    std::printf("kept %s\n", scratch.path().c_str());
  }
  return failures.empty() ? 0 : 1;
}

}  // namespace
}  // namespace halflife::e2e

int main(int argc, char** argv) {
  CLI::App app(
      "Puts, gets and deletes blocks through the client library while halflifed is killed and its "
      "files "
      "are damaged; checks every byte. Exit code 1 if anything is wrong.");
  halflife::e2e::CampaignOptions options;
  bool keep = false;
  double cycle_seconds = 1.2;
  app.add_option("--kills", options.kills, "Times the daemon is killed")->capture_default_str();
  app.add_option("--damages", options.damages, "Files damaged")->capture_default_str();
  app.add_option("--reads", options.reads, "Blocks checked, at least")->capture_default_str();
  app.add_option("--threads", options.threads, "Client threads")->capture_default_str();
  app.add_option("--seed", options.seed, "Of kills, damages and requests")->capture_default_str();
  app.add_option("--cycle", cycle_seconds, "Mean seconds between kills")->capture_default_str();
  app.add_flag("--keep", keep, "Keep the directory");
  CLI11_PARSE(app, argc, argv);
  options.cycle = absl::Seconds(cycle_seconds);
  return halflife::e2e::RunCampaign(options, keep);
}
