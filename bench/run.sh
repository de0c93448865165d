#!/usr/bin/env bash
# Runs the side-by-side benchmarks; they start and stop their servers themselves. bench/README.md.
# Usage: bench/run.sh [flags of halflife_transport_bench]
set -euo pipefail
cd "$(dirname "$0")/.."
build=${HALFLIFE_BUILD:-build/release}
for tool in redis-server memcached; do
  command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing: scripts/install_deps.sh bench" >&2; exit 1; }
done
exec "$build/halflife_transport_bench" --build "$build" "$@"
