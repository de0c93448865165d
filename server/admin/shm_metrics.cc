#include "server/admin/shm_metrics.h"

#include "server/admin/metric_words.h"

namespace halflife {

void AddSharedMemory(const NodeFacts& facts, MetricPage& page) {
  const ShmStats& shm = facts.shm;
  page.Gauge("halflife_shm_offered", "1 if clients of this machine are offered shared memory.")
      .Add(shm.offered ? 1 : 0);
  page.Gauge("halflife_shm_sessions", "Clients that map the arena.").Add(D(shm.sessions));
  page.Gauge("halflife_shm_lines", "Connections on which they call without gRPC.")
      .Add(D(shm.lines));
  page.Gauge("halflife_shm_staging_bytes", "Memory through which they put.")
      .Add(D(shm.staging_bytes));
  page.Gauge("halflife_shm_leases", "Leases that they hold; part of halflife_leases.")
      .Add(D(facts.store.shared_leases));
  page.Gauge("halflife_shm_leased_bytes", "DRAM bytes under them; part of halflife_leased_bytes.")
      .Add(D(facts.store.shared_leased_bytes));
  page.Counter("halflife_shm_refused_sessions_total", "Clients turned away, by reason.")
      .Add(D(shm.refused_peers), {{"reason", "peer"}})
      .Add(D(shm.refused_full), {{"reason", "limit"}})
      .Add(D(shm.refused_malformed), {{"reason", "malformed"}});
  page.Counter("halflife_shm_leases_total", "Calls that promised blocks in the arena.")
      .Add(D(shm.leases));
  page.Counter("halflife_shm_leased_blocks_total", "Blocks promised in the arena.")
      .Add(D(shm.leased_blocks));
  page.Counter("halflife_shm_commits_total", "Calls that committed blocks.").Add(D(shm.commits));
  page.Counter("halflife_shm_stored_blocks_total", "Blocks stored by them.")
      .Add(D(shm.stored_blocks));
  page.Counter("halflife_shm_refused_calls_total",
               "Calls over shared memory that ended in an error; the client then uses the socket.")
      .Add(D(shm.refused_calls));
}

}  // namespace halflife
