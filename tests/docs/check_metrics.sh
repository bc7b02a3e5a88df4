#!/usr/bin/env bash
# docs/metrics.md must hold the table that the binary prints: check_metrics.sh LOGI [--write]
# The table stands between the lines <!-- metrics: begin --> and <!-- metrics: end -->.
set -euo pipefail
logi=$1
page=$(dirname "$0")/../../docs/metrics.md
made=$(mktemp)
trap 'rm -f "$made"' EXIT
{
    sed '/<!-- metrics: begin -->/q' "$page"
    "$logi" settings --metrics
    sed -n '/<!-- metrics: end -->/,$p' "$page"
} >"$made"
if [ "${2:-}" = --write ]; then
    cp "$made" "$page"
elif ! diff -u "$page" "$made"; then
    echo "docs/metrics.md is not what the binary says; run: tests/docs/check_metrics.sh LOGI --write"
    exit 1
fi
