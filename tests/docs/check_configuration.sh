#!/usr/bin/env bash
# docs/configuration.md must hold the tables that the binary prints: check_configuration.sh LOGI [--write]
# The tables stand between the lines <!-- settings: begin --> and <!-- settings: end -->.
set -euo pipefail
logi=$1
page=$(dirname "$0")/../../docs/configuration.md
made=$(mktemp)
trap 'rm -f "$made"' EXIT
{
    sed '/<!-- settings: begin -->/q' "$page"
    "$logi" settings
    sed -n '/<!-- settings: end -->/,$p' "$page"
} >"$made"
if [ "${2:-}" = --write ]; then
    cp "$made" "$page"
elif ! diff -u "$page" "$made"; then
    echo "docs/configuration.md is not what the binary says; run: tests/docs/check_configuration.sh LOGI --write"
    exit 1
fi
