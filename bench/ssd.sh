#!/usr/bin/env bash
# The SSD tier beside fio and BlobDB, and the rate of its index. bench/README.md says what the tables show.
# Usage: bench/ssd.sh [DIRECTORY] [flags of halflife_ssd_bench]; DIRECTORY is on the file system to be measured,
# needs 7 GiB there (quota, fio's file, BlobDB) and is removed afterwards. Default: a new one beside the build.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${HALFLIFE_BUILD:-build/release}
parent=$build
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then parent=$1; shift; fi
command -v fio >/dev/null || { echo "bench/ssd.sh: fio is missing (scripts/install_deps.sh bench)" >&2; exit 1; }
dir=$(mktemp -d "$parent/ssd-bench-XXXXXX")
trap 'rm -rf "$dir"' EXIT
for table in ${HALFLIFE_SSD_TABLES:-read write blob}; do
  "$build/halflife_ssd_bench" "$table" --directory "$dir" "$@"
  rm -rf "$dir"/ssd "$dir"/blob
done
rm -f "$dir/fio.file"
[ -n "${HALFLIFE_SSD_TABLES:-}" ] || { echo; "$build/halflife_ssd_index_bench" "$dir"; }
