#!/usr/bin/env bash
# quietly.sh WHAT COMMAND...: runs the command; shows its output only if it fails.
set -u
what=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$@" >"$log" 2>&1; then
  cat "$log" >&2
  echo "$what failed: $*" >&2
  exit 1
fi
