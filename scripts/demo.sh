#!/usr/bin/env bash
# Starts a daemon in a private directory, replays a workload through it over gRPC with every byte checked, prints
# what happened, and removes everything. Usage: [TRACE=file] [HALFLIFE_BUILD=build/release] scripts/demo.sh
#
# Without TRACE it replays the built-in chat workload. With TRACE (Mooncake, Qwen-Bailian or compact, also gzipped)
# it replays as much of the file as fits into about a minute. DRAM and SSD hold a few per cent of the distinct
# blocks, so that eviction and demotion have work to do.
set -euo pipefail

build="${HALFLIFE_BUILD:-build/release}"
trace="${TRACE:-}"
daemon="$build/halflifed"
halflife="$build/halflife"
for program in "$daemon" "$halflife"; do
  [ -x "$program" ] || { echo "demo.sh: $program is missing: run 'make build'" >&2; exit 2; }
done

directory=$(mktemp -d "${TMPDIR:-/tmp}/halflife-demo.XXXXXX")
chmod 700 "$directory"
daemon_pid=""

stop_daemon() {
  [ -n "$daemon_pid" ] || return 0
  local pid="$daemon_pid" code=0
  daemon_pid=""
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || code=$?
  return "$code"
}

cleanup() {
  local code=$?
  trap - EXIT
  stop_daemon || true
  if [ "$code" -ne 0 ] && [ -s "$directory/daemon.log" ]; then
    echo "demo.sh: the daemon's last lines:" >&2
    tail -n 20 "$directory/daemon.log" >&2
  fi
  rm -rf "$directory"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# summary,0,NAME,VALUE of `halflife trace info -o csv`.
trace_value() { tr -d '\r' <"$directory/info.csv" | awk -F, -v name="$1" '$1 == "summary" && $3 == name { print $4 }'; }
at_least() { [ "$1" -gt "$2" ] && echo "$1" || echo "$2"; }

mib=$((1024 * 1024))
payload=$((16 * 1024))
# Blocks looked up, at most: with 16 KiB each it bounds what crosses the socket to about 4.5 GiB.
most_blocks=280000
if [ -n "$trace" ]; then
  [ -r "$trace" ] || { echo "demo.sh: cannot read $trace" >&2; exit 2; }
  "$halflife" trace info "$trace" -o csv >"$directory/info.csv"
  requests=$(trace_value requests)
  blocks=$(trace_value blocks)
  unique=$(trace_value unique_blocks)
  limit="$requests"
  if [ "$blocks" -gt "$most_blocks" ]; then limit=$(at_least $((requests * most_blocks / blocks)) 1); fi
  unique_bytes=$((unique * limit / requests * payload))
  dram_mib=$(at_least $((unique_bytes / 50 / mib)) 48)  # 2 %
  ssd_mib=$(at_least $((unique_bytes / 12 / mib)) 96)   # 8 %
  source=("$trace" --type chat --limit "$limit")
  echo "Trace $trace: $requests requests, $blocks full blocks, $unique distinct; replaying $limit requests."
else
  # 54,000 distinct blocks of 64 KiB: 3.3 GiB.
  payload=$((64 * 1024))
  dram_mib=256
  ssd_mib=1024
  source=(--profile chat --requests 4000 --rate 0.5 --seed 1)
  echo "Built-in chat workload: 4,000 requests."
fi
echo "Daemon in $directory: DRAM ${dram_mib} MiB, SSD ${ssd_mib} MiB, blocks of $((payload / 1024)) KiB."

endpoint="unix://$directory/halflife.sock"
"$daemon" --server.unix_socket "$directory/halflife.sock" --server.drain_time 0s \
  --storage.dram.budget "${dram_mib}MiB" \
  --storage.ssd.directory "$directory/ssd" --storage.ssd.quota "${ssd_mib}MiB" \
  --admin.listen 127.0.0.1:0 >"$directory/daemon.log" 2>&1 &
daemon_pid=$!
"$halflife" health --endpoint "$endpoint" --wait 10s >"$directory/health.txt"

"$halflife" trace replay "${source[@]}" --endpoint "$endpoint" --payload "${payload}B" --concurrency 4

echo
stop_daemon && echo "Daemon stopped cleanly; $directory removed."
