#!/usr/bin/env bash
# The whole LogQL corpus and random queries against one build of logi, one with a sanitizer as a rule: tests/logql/sanitized.sh build/asan/logi [QUERIES]
# A report of the sanitizer ends the node, and so fails. The last line is "N passed, N failed".
set -uo pipefail
logi=$(realpath "$1")
queries=${2:-2000}
cd "$(dirname "$0")/../.."
export ASAN_OPTIONS=detect_stack_use_after_return=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp TSAN_OPTIONS=halt_on_error=1:suppressions=$PWD/tests/tsan.supp
passed=0
failed=0
for run in "tests/conformance/run.sh $logi" "python3 tests/logql/differential.py $logi --queries $queries"; do
    out=$(mktemp)
    $run >"$out" 2>&1
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$out" | tail -n 1)
    bad=$(echo "$last" | sed -E 's/.*, ([0-9]+) failed.*/\1/')
    if [ -z "$last" ] || [ "$bad" -gt 0 ]; then
        tail -n 60 "$out"
        failed=$((failed + ${bad:-1}))
    fi
    passed=$((passed + $(echo "${last:-0}" | cut -d' ' -f1)))
    rm -f "$out"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
