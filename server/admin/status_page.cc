#include "server/admin/status_page.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/html.h"
#include "common/strings.h"
#include "common/units.h"
#include "server/admin/html_table.h"
#include "server/admin/residency_section.h"
#include "storage/block_store.h"

namespace halflife {
namespace {

constexpr size_t kShownMissReasons = 5;

constexpr std::string_view kStyle = R"(
body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#1c2430;background:#fff}
h1{font-size:1.4em;margin:0}h2{font-size:1.1em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25em .8em .25em 0;border-bottom:1px solid #e3e7ee}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{background:#e3e7ee;height:.9em;min-width:10em}.bar div{background:#3568b8;height:100%}
.state{display:inline-block;padding:0 .6em;border-radius:.3em;color:#fff;background:#2c7a3f}
.bad{background:#b3261e}.note{color:#5b6675}pre{background:#f5f7fa;padding:1em;overflow:auto}
@media(prefers-color-scheme:dark){body{color:#e5e9f0;background:#14181f}th,td{border-color:#2c3442}
.bar{background:#2c3442}pre{background:#1c222c}}
)";

uint64_t Sum(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

std::string Head(const NodeFacts& facts) {
  const char* state = facts.state == NodeState::kServing    ? "serving"
                      : facts.state == NodeState::kStarting ? "starting"
                                                            : "draining";
  const bool good = facts.state == NodeState::kServing;
  const absl::Duration uptime = absl::Seconds(static_cast<int64_t>(facts.uptime_s));
  return StrCat("<h1>halflifed <span class=\"state", good ? "" : " bad", "\">", state,
                "</span></h1>\n<p>", EscapeHtml(VersionText(facts.build)), "<br>up ",
                absl::FormatDuration(uptime), ", resident memory ",
                HumanBytes(facts.process.resident_bytes), ", ", facts.process.open_fds, " of ",
                facts.process.max_fds, " files open</p>\n");
}

std::string TierRow(std::string_view name, uint64_t used, uint64_t capacity, uint64_t blocks,
                    uint64_t payload) {
  const double share =
      capacity == 0 ? 0 : 100.0 * static_cast<double>(used) / static_cast<double>(capacity);
  return absl::StrFormat(
      "<tr><td>%s</td><td><div class=\"bar\"><div style=\"width:%.1f%%\"></div></div></td><td "
      "class=\"n\">%.1f %%</td>"
      "<td class=\"n\">%s of %s</td><td class=\"n\">%s blocks</td><td class=\"n\">%s "
      "payload</td></tr>\n",
      name, std::min(share, 100.0), share, HumanBytes(used), HumanBytes(capacity), Number(blocks),
      HumanBytes(payload));
}

std::string Tiers(const NodeFacts& facts) {
  const StoreStats& store = facts.store;
  std::string html = "<h2>Tiers</h2>\n<table>\n";
  html += TierRow("DRAM", store.dram.allocated_bytes, store.dram.budget_bytes,
                  store.resident_blocks[0], store.resident_bytes[0]);
  if (store.has_ssd) {
    html += TierRow("SSD", store.ssd.used_bytes, store.ssd.quota_bytes, store.resident_blocks[1],
                    store.resident_bytes[1]);
  }
  html += "</table>\n";
  if (!store.has_ssd) {
    html += facts.ssd_off_after_crashes
                ? "<p><span class=\"state bad\">SSD tier off</span> the daemon crashed repeatedly; "
                  "see the log</p>\n"
                : "<p class=\"note\">No SSD tier is configured (storage.ssd.directory).</p>\n";
  }
  HtmlTable moved({"moved", "blocks", "bytes"});
  moved.Row({"demoted to SSD", Number(store.demoted_blocks), HumanBytes(store.demoted_bytes)});
  moved.Row({"promoted to DRAM", Number(store.promoted_blocks), HumanBytes(store.promoted_bytes)});
  for (int r = 0; r < kEvictReasonCount; ++r) {
    for (int t = 0; t < kTierCount; ++t) {
      if (store.evicted_blocks[t][r] == 0) continue;
      moved.Row({StrCat("left ", t == 0 ? "DRAM" : "SSD", ": ", kEvictReasonNames[r]),
                 Number(store.evicted_blocks[t][r]), HumanBytes(store.evicted_bytes[t][r])});
    }
  }
  return html + moved.Html();
}

std::string Categories(const StoreStats& store) {
  HtmlTable table({"category", "lookups", "blocks asked for", "in DRAM", "on SSD", "hit ratio",
                   "stored", "resident"});
  int shown = 0;
  for (const CategoryStats& c : store.categories) {
    const uint64_t hits = Sum(c.lookup_blocks_hit);
    const uint64_t asked = hits + Sum(c.lookup_blocks_missed);
    if (asked + Sum(c.put_blocks) + Sum(c.resident_blocks) == 0) continue;
    ++shown;
    table.Row({c.name, Number(c.lookups_full + c.lookups_partial + c.lookups_miss), Number(asked),
               Percent(c.lookup_blocks_hit[0], asked), Percent(c.lookup_blocks_hit[1], asked),
               Percent(hits, asked), Number(c.put_blocks[static_cast<size_t>(PutOutcome::kStored)]),
               Number(std::max(c.resident_blocks[0], c.resident_blocks[1]))});
  }
  if (shown == 0) return "<h2>Categories</h2>\n<p class=\"note\">No requests yet.</p>\n";
  return "<h2>Categories</h2>\n" + table.Html();
}

std::string MissReasons(const StoreStats& store) {
  std::vector<std::pair<uint64_t, int>> reasons;
  uint64_t total = 0;
  for (int r = 1; r < kMissReasonCount; ++r) {
    uint64_t count = 0;
    for (const CategoryStats& c : store.categories) count += c.lookup_blocks_missed[r];
    total += count;
    if (count > 0) reasons.emplace_back(count, r);
  }
  std::sort(reasons.rbegin(), reasons.rend());
  reasons.resize(std::min(reasons.size(), kShownMissReasons));
  if (reasons.empty()) return "<h2>Misses</h2>\n<p class=\"note\">None yet.</p>\n";
  HtmlTable table({"why blocks were missed", "blocks", "share"});
  for (const auto& [count, reason] : reasons) {
    table.Row({std::string(MissReasonName(static_cast<MissReason>(reason))), Number(count),
               Percent(count, total)});
  }
  return "<h2>Misses</h2>\n" + table.Html();
}

std::string Leases(const StoreStats& store) {
  return StrCat("<h2>Leases</h2>\n<p>", Number(store.leases), " held, ",
                HumanBytes(store.leased_bytes), " promised, ", Number(store.leases_expired),
                " ran out; puts in progress hold ", HumanBytes(store.put_buffer_bytes), "</p>\n");
}

std::string SharedMemory(const NodeFacts& facts) {
  const ShmStats& shm = facts.shm;
  if (!shm.offered) {
    return "<h2>Shared memory</h2>\n<p class=\"note\">Not offered (server.shared_memory).</p>\n";
  }
  HtmlTable table({"shared memory", ""});
  table.Row({"sessions, and their staging memory",
             StrCat(Number(shm.sessions), ", ", HumanBytes(shm.staging_bytes))});
  table.Row(
      {"leases held, and bytes under them", StrCat(Number(facts.store.shared_leases), ", ",
                                                   HumanBytes(facts.store.shared_leased_bytes))});
  table.Row({"blocks leased / stored",
             StrCat(Number(shm.leased_blocks), " / ", Number(shm.stored_blocks))});
  table.Row({"clients turned away: user / no room / malformed",
             StrCat(Number(shm.refused_peers), " / ", Number(shm.refused_full), " / ",
                    Number(shm.refused_malformed))});
  table.Row({"calls that went over the socket instead", Number(shm.refused_calls)});
  return "<h2>Shared memory</h2>\n" + table.Html();
}

std::string NamespaceLimits(const StoreStats& store) {
  if (store.namespace_limits.empty()) return "";
  const auto bound = [](uint64_t bytes) {
    return bytes == 0 ? std::string("-") : std::string(HumanBytes(bytes));
  };
  HtmlTable table({"limit of namespaces", "in DRAM", "floor", "ceiling"});
  for (const NamespaceLimitStats& limit : store.namespace_limits) {
    table.Row(
        {limit.name, HumanBytes(limit.used_bytes), bound(limit.min_bytes), bound(limit.max_bytes)});
  }
  return "<h2>Limits of namespaces</h2>\n" + table.Html();
}

std::string Ssd(const NodeFacts& facts) {
  if (!facts.store.has_ssd) return "";
  const SsdTier::Stats& ssd = facts.store.ssd;
  HtmlTable table({"SSD tier", ""});
  table.Row({"directory", facts.ssd_directory});
  table.Row({"slot files by", ssd.uses_io_uring ? "io_uring" : "threads"});
  table.Row({"timeouts / requests stuck",
             StrCat(Number(ssd.timeouts), " / ", Number(ssd.stuck_transfers))});
  table.Row({"partitions serving", Number(static_cast<uint64_t>(ssd.partitions_serving))});
  table.Row({"partitions read-only", Number(static_cast<uint64_t>(ssd.partitions_read_only))});
  table.Row({"partitions set aside since start", Number(ssd.quarantines)});
  table.Row({"read", StrCat(HumanBytes(ssd.read_bytes), " in ", Number(ssd.reads_ok), " blocks")});
  table.Row({"reads missing / corrupt / failed",
             StrCat(Number(ssd.reads_missing), " / ", Number(ssd.reads_corrupt), " / ",
                    Number(ssd.reads_failed))});
  table.Row(
      {"written", StrCat(HumanBytes(ssd.written_bytes), " in ", Number(ssd.writes_ok), " blocks")});
  table.Row({"writes refused / failed",
             StrCat(Number(ssd.writes_refused), " / ", Number(ssd.writes_failed))});
  return "<h2>SSD state</h2>\n" + table.Html();
}

std::string WriteBudget(const StoreStats& store) {
  const AdmissionStats& admission = store.admission;
  if (admission.budget_bytes_per_day == 0) return "";
  HtmlTable table({"writes to SSD", ""});
  table.Row({"budget per day", HumanBytes(admission.budget_bytes_per_day)});
  table.Row({"available now", HumanBytes(admission.available_bytes)});
  table.Row({"written in the last minute / day",
             StrCat(HumanBytes(admission.minute_bytes), " / ", HumanBytes(admission.day_bytes))});
  table.Row({"blocks admitted / refused for it since start",
             StrCat(Number(admission.admitted_blocks), " / ", Number(admission.refused_blocks))});
  table.Row({"score that a block needs", absl::StrFormat("%.3g", admission.score_threshold)});
  return "<h2>Write budget</h2>\n" + table.Html();
}

std::string Rpcs(const RpcStats& rpc) {
  HtmlTable table({"RPC", "finished", "not OK", "open", "p50", "p99"});
  for (int m = 0; m < kRpcMethodCount; ++m) {
    const RpcMethodStats& method = rpc.methods[m];
    const uint64_t handled = Sum(method.handled);
    if (handled == 0 && method.open == 0) continue;
    const auto quantile = [&](double q) {
      return absl::FormatDuration(
          absl::Microseconds(method.latency_ns.counts.empty()
                                 ? 0
                                 : static_cast<int64_t>(method.latency_ns.Quantile(q) / 1000)));
    };
    table.Row({std::string(RpcMethodName(static_cast<RpcMethod>(m))), Number(handled),
               Number(handled - method.handled[0]), Number(method.open), quantile(0.5),
               quantile(0.99)});
  }
  return StrCat("<h2>Calls</h2>\n<p>", Number(rpc.connections_open), " connections</p>\n",
                table.Html());
}

std::string Contents(const NodeFacts& facts) {
  return StrCat(Tiers(facts), Categories(facts.store), MissReasons(facts.store),
                RenderResidency(facts), NamespaceLimits(facts.store), Leases(facts.store),
                SharedMemory(facts), Ssd(facts), WriteBudget(facts.store), Rpcs(facts.rpc));
}

std::string Configuration(const NodeFacts& facts) {
  return StrCat("<h2>Configuration</h2>\n",
                facts.insecure_listen ? "<p><span class=\"state bad\">insecure</span> "
                                        "addresses beyond loopback are allowed</p>\n"
                                      : "",
                facts.last_reload_ok
                    ? ""
                    : "<p><span class=\"state bad\">last reload failed</span> the values below are "
                      "still in force</p>\n",
                "<pre>", EscapeHtml(facts.config_yaml), "</pre>\n");
}

}  // namespace

std::string RenderStatusPage(const NodeFacts& facts) {
  return StrCat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>halflifed</title>"
      "<meta name=\"viewport\" content=\"width=device-width\"><style>",
      kStyle, "</style></head><body>\n", Head(facts),
      facts.opened ? Contents(facts) : "<p class=\"note\">The store is being opened.</p>\n",
      Configuration(facts),
      "<p class=\"note\"><a href=\"/metrics\">/metrics</a> <a href=\"/healthz\">/healthz</a> "
      "<a href=\"/readyz\">/readyz</a></p>\n</body></html>\n");
}

}  // namespace halflife
