#include "tests/e2e/torture/report.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "common/killpoint.h"
#include "common/strings.h"

namespace halflife::e2e {
namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string Quantiles(std::vector<double> values) {
  if (values.empty()) return "none";
  std::sort(values.begin(), values.end());
  return absl::StrFormat("p50 %.0f ms, p95 %.0f ms, max %.0f ms", values[values.size() / 2],
                         values[values.size() * 95 / 100], values.back());
}

std::string PhaseTable(const Campaign& campaign) {
  std::string table =
      absl::StrFormat("%-18s %6s %8s %9s %10s %6s %8s %7s %9s %7s %9s %8s %8s\n", "phase", "kills",
                      "damages", "requests", "checked", "wrong", "revived", "hits", "read back",
                      "leased", "stored", "refused", "deletes");
  for (const Phase& phase : campaign.phases()) {
    const Counts& counts = phase.counts;
    table += absl::StrFormat(
        "%-18s %6d %8d %9d %10d %6d %8d %6.1f%% %8.1f%% %6.1f%% %9d %8d %8d\n", phase.name,
        phase.kills, phase.damages, counts.requests.load(), counts.checked_blocks.load(),
        counts.wrong_blocks.load(), counts.revived_blocks.load(),
        100 * Ratio(counts.hit_blocks, counts.wanted_blocks),
        100 * Ratio(counts.read_back_right_blocks, counts.read_back_blocks),
        100 * Ratio(counts.leased_blocks, counts.lease_wanted_blocks), counts.stored_blocks.load(),
        counts.refused_blocks.load(), counts.deletes.load());
  }
  return table;
}

std::string ClientLine(const Campaign& campaign) {
  uint64_t unavailable = 0, timeouts = 0, unanswered = 0;
  for (const Phase& phase : campaign.phases()) {
    unavailable += phase.counts.unavailable;
    timeouts += phase.counts.timeouts;
    unanswered += phase.counts.unanswered_blocks;
  }
  const std::string complaint = campaign.tracker().last_complaint();
  return StrCat(complaint.empty() ? "" : StrCat("last complaint: ", complaint, "\n"),
                "calls that found nobody ", unavailable, ", that ran out of time ", timeouts,
                "; blocks of unanswered puts ", unanswered, "\n");
}

}  // namespace

std::string SummaryOf(const Campaign& campaign) {
  std::string text = PhaseTable(campaign);
  text += ClientLine(campaign);
  text += StrCat("starts ", campaign.start_ms().size(), ": launch to ready ",
                 Quantiles(campaign.start_ms()), "; ready to the first block ",
                 Quantiles(campaign.answer_ms()), "\n");
  text += StrCat("conservation held in ", campaign.conservation_checks(), " quiet looks; ",
                 campaign.opening_deaths(), " starts died of damage\nkilled at:");
  for (const auto& [point, count] : campaign.kills_by_point()) {
    text += StrCat(" ", point, " ", count, ";");
  }
  text += StrCat("\ncalls over shared memory ", campaign.shared_memory_calls(), "\nnot reached:");
  for (const std::string_view point : kKillPoints) {
    if (!campaign.kills_by_point().contains(std::string(point))) text += StrCat(" ", point);
  }
  text += "\ndamages:";
  for (const auto& [kind, count] : campaign.damager().counts()) {
    text += StrCat(" ", kind, " ", count, ";");
  }
  return text + "\n";
}

std::vector<std::string> Failures(const Campaign& campaign, const Floors& floors) {
  std::vector<std::string> failures;
  uint64_t wrong = 0, checked = 0;
  bool damaged = false;
  const auto require = [&failures](double value, double floor, const std::string& what) {
    if (value < floor)
      failures.push_back(absl::StrFormat("%s is %.3f, at least %.3f", what, value, floor));
  };
  for (const Phase& phase : campaign.phases()) {
    const Counts& counts = phase.counts;
    wrong += counts.wrong_blocks;
    checked += counts.checked_blocks;
    // A damaged file may be the very one that says that a block was deleted.
    damaged |= phase.damages > 0;
    if (!damaged && counts.revived_blocks > 0) {
      failures.push_back(StrCat(counts.revived_blocks.load(), " deleted blocks came back; ",
                                campaign.tracker().last_complaint()));
    }
    const std::string where = StrCat(" of phase '", phase.name, "'");
    if (phase.kills > 0) {
      require(Ratio(counts.leased_blocks, counts.lease_wanted_blocks), floors.lease_ratio,
              "share of leased blocks served" + where);
    }
    if (phase.kills == 0 || !phase.hit_ratio_must_hold) continue;
    require(Ratio(counts.hit_blocks, counts.wanted_blocks), floors.hit_ratio, "hit ratio" + where);
    require(Ratio(counts.read_back_right_blocks, counts.read_back_blocks), floors.read_back_ratio,
            "read-back ratio" + where);
  }
  if (campaign.shared_memory_calls() == 0) failures.push_back("no call went over shared memory");
  int kills = 0, named = 0;
  for (const auto& [point, count] : campaign.kills_by_point()) {
    named += IsKillPoint(point) ? count : 0;
    kills += point != kCleanExit ? count : 0;
  }
  require(Ratio(named, kills), floors.named_kill_share, "share of kills at named points");
  if (wrong > 0)
    failures.push_back(StrCat(wrong, " wrong blocks; ", campaign.tracker().last_complaint()));
  if (checked < floors.checked_reads) {
    failures.push_back(StrCat(checked, " checked reads, at least ", floors.checked_reads));
  }
  return failures;
}

}  // namespace halflife::e2e
