#!/usr/bin/env bash
# Installs what is missing from Debian, and nothing else. Says what and why. Usage: scripts/install_deps.sh [GROUP...]
# Groups: build (default), check, bench.
set -euo pipefail

# package | why
BUILD_PACKAGES="
g++|compiler
clang|builds the tsan and fuzz presets
libclang-rt-14-dev|sanitizer and fuzzer runtime of clang
lld|linker, 5x faster than ld
cmake|build system
ninja-build|build system
ccache|keeps rebuilds short
pkg-config|finds libraries
python3|checks of the tree
libgrpc++-dev|gRPC
libprotobuf-dev|messages
protobuf-compiler|generates messages
protobuf-compiler-grpc|generates service stubs
librocksdb-dev|index of the SSD tier
liburing-dev|slot files by io_uring
libabsl-dev|Status, flat_hash_map, time
libssl-dev|SHA-256
libsodium-dev|keyed digests (BLAKE2b, SipHash)
libxxhash-dev|payload checksums
libyaml-cpp-dev|configuration file
libcli11-dev|command line flags
libspdlog-dev|logs
prometheus-cpp-dev|metrics registry and text format
libcivetweb-dev|the admin port's HTTP server
libsimdjson-dev|JSONL traces
nlohmann-json3-dev|JSON output of the command line
zlib1g-dev|compressed traces
"
CHECK_PACKAGES="
libgtest-dev|unit tests
libgmock-dev|unit tests
clang-format|format check
prometheus|promtool checks the metrics page
zsh|its completion is tested
fish|its completion is tested
"
BENCH_PACKAGES="
redis-server|a peer in bench/
libhiredis-dev|its client
memcached|a peer in bench/
fio|what the device can do, beside the SSD tier
"

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build)
wanted=""
for group in "${groups[@]}"; do
  case "$group" in
    build) wanted+="$BUILD_PACKAGES" ;;
    check) wanted+="$CHECK_PACKAGES" ;;
    bench) wanted+="$BENCH_PACKAGES" ;;
    *) echo "install_deps.sh: unknown group '$group' (build, check, bench)" >&2; exit 2 ;;
  esac
done

missing=()
while IFS='|' read -r package why; do
  [ -n "$package" ] || continue
  if ! dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
    [ ${#missing[@]} -gt 0 ] || echo "Installing from Debian:"
    printf '  %-24s %s\n' "$package" "$why"
    missing+=("$package")
  fi
done <<<"$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "install_deps.sh: apt-get is not here; install the packages above by hand" >&2
  exit 1
fi
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
       apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install_deps.sh: apt-get failed (above)" >&2
  exit 1
fi
