#!/usr/bin/env bash
# What must hold before a commit: every test of the dev build. CHECK="dev asan tsan" adds all tests under ASan and UBSan and
# common and storage under TSan (half an hour more).
# Each ctest prints its own closing line.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-2}
parts=${CHECK:-dev}

build() {
  local preset=$1
  scripts/quietly.sh "configuring $preset" cmake --preset "$preset"
  echo "== $preset: building"
  scripts/quietly.sh "building $preset" cmake --build --preset "$preset" -j "$jobs"
}

started=$SECONDS
for part in $parts; do
  build "$part"
  echo "== $part: testing ($((SECONDS - started)) s so far)"
  case "$part" in
    dev) ctest --preset dev -j "$jobs" ;;
    # What a sanitizer build adds is memory and data-race checking: style checks and the long campaigns ran in dev.
    asan) ctest --preset asan -j "$jobs" -LE 'style|campaign' ;;
    tsan) ctest --preset tsan -j "$jobs" -L core ;;
    *) echo "check.sh: unknown part '$part'" >&2; exit 2 ;;
  esac
done
echo "check: $parts passed in $((SECONDS - started)) s"
