#!/usr/bin/env bash
# format.sh [--fix]: are all C++ sources as clang-format would write them? With --fix it makes them so.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(find common storage proto server client tools tests bench \
                       \( -name '*.cc' -o -name '*.h' \) -not -path '*/corpus/*' | sort)
if [ "${1:-}" = --fix ]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run -Werror "${files[@]}"
  echo "format: ${#files[@]} files"
fi
