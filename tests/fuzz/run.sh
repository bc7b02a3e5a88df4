#!/usr/bin/env bash
# Runs each libFuzzer target from its corpus: in CI a fixed number of inputs from a fixed seed, so that the same tree gives the same result; with LOGI_LONG=1 new
# inputs for FUZZ_SECONDS each (default an hour). New findings land in build/fuzz/findings.
set -uo pipefail
cd "$(dirname "$0")/../.."
if [ "${LOGI_LONG:-0}" = 1 ] || [ -n "${FUZZ_SECONDS:-}" ]; then
    effort=(-max_total_time="${FUZZ_SECONDS:-3600}")
else
    effort=(-seed=1 -runs=20000 -max_total_time=20)
fi
passed=0
failed=0
findings=build/fuzz/findings
mkdir -p "$findings"
for target in build/fuzz/tests/fuzz/fuzz_*; do
    name=${target##*/fuzz_}
    case $name in replay_*) continue ;; esac
    [ -x "$target" ] && [ -f "$target" ] || continue
    grown=$(mktemp -d)
    if "$target" "${effort[@]}" -timeout=10 -rss_limit_mb=1024 -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="$findings/$name-" "$grown" "tests/fuzz/corpus/$name" >"$grown.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "--- $name"
        tail -n 30 "$grown.log"
    fi
    rm -rf "$grown" "$grown.log"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
