#!/usr/bin/env bash
# Starts halflifed and redis-server on private sockets, runs the benchmarks against both, stops them. bench/README.md.
# Usage: bench/run.sh [flags of halflife_transport_bench]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${HALFLIFE_BUILD:-build/release}
dir=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
hl_port=$(port); redis_port=$(port)

"$build/halflifed" --server.unix_socket "$dir/halflife.sock" --server.tcp_listen "127.0.0.1:$hl_port" \
  --storage.dram.budget 2GiB --storage.ssd.directory "" --admin.listen 127.0.0.1:0 >"$dir/halflifed.log" 2>&1 &
pids+=($!)
redis-server --port "$redis_port" --bind 127.0.0.1 --unixsocket "$dir/redis.sock" --save "" --appendonly no \
  --maxmemory 4gb >"$dir/redis.log" 2>&1 &
pids+=($!)
if ! "$build/halflife" --endpoint "unix://$dir/halflife.sock" health --wait 10s >/dev/null; then
  cat "$dir/halflifed.log" >&2
  exit 1
fi
timeout 10 bash -c "until redis-cli -s '$dir/redis.sock' ping >/dev/null 2>&1; do :; done"
"$build/halflife_transport_bench" --halflife-unix "unix://$dir/halflife.sock" --halflife-tcp "127.0.0.1:$hl_port" \
  --redis-unix "unix://$dir/redis.sock" --redis-tcp "127.0.0.1:$redis_port" "$@"
