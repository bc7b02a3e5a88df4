#!/usr/bin/env bash
# Installs what the tests need (Debian 12 packages), builds, and passes all tests. The last line is "N passed, N failed".
#
#   tests/run.sh            everything, long campaigns short: what CI runs
#   tests/run.sh --long     crash, fuzz and soak campaigns at full length (hours)
#   tests/run.sh unit asan  only these parts
#
# Parts: unit (dev build), asan, tsan, stress (everything at once on a node with each sanitizer, and some of the integration suites with ASan),
# integration (real clients), conformance (recorded answers), logql (the examples of docs/logql.md, random queries against a naive evaluator; with
# --long also the corpus against builds with sanitizers), crash (kill -9), fuzz (libFuzzer); only when named: arm64 (cross-built, under QEMU).
set -uo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh

long=0
parts=()
for arg in "$@"; do
    case $arg in
    --long) long=1 ;;
    -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) parts+=("$arg") ;;
    esac
done
[ ${#parts[@]} -gt 0 ] || parts=(unit asan tsan stress integration conformance logql crash fuzz)
export LOGI_LONG=$long

need "${build_packages[@]}" "${test_packages[@]}" || exit 1

passed=0
failed=0
failures=()

# One named result.
result() { # STATUS NAME
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$2")
    fi
}

build() { # PRESET
    cmake --preset "$1" >/dev/null && cmake --build --preset "$1" 2>&1 | grep -vE '^\[[0-9]+/[0-9]+\]' ; return "${PIPESTATUS[0]}"
}

# ctest's cases, each counted.
ctest_part() { # PRESET
    local log
    log=$(mktemp)
    ctest --preset "$1" -j "$(nproc)" --timeout 600 >"$log" 2>&1
    local good bad
    good=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#.* Passed ' "$log")
    bad=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#.*(\*\*\*|Not Run)' "$log")
    passed=$((passed + good))
    failed=$((failed + bad))
    while read -r name; do failures+=("$1: $name"); done < <(grep -E '^ *[0-9]+/[0-9]+ Test +#.*(\*\*\*|Not Run)' "$log" | sed -E 's/.*Test +#[0-9]+: ([^ ]+).*/\1/')
    if [ "$bad" -gt 0 ] || [ "$good" -eq 0 ]; then
        cat "$log"
        [ "$good" -gt 0 ] || result 1 "$1: no test ran"
    fi
    echo "   $1: $good passed, $bad failed"
    rm -f "$log"
}

# A script that prints "N passed, N failed" last.
script_part() { # NAME COMMAND...
    local name=$1 log last
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1
    local status=$?
    last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [ -z "$last" ]; then
        tail -n 40 "$log"
        result 1 "$name: did not finish"
    else
        local good=${last%% *} bad
        bad=$(echo "$last" | sed -E 's/.*, ([0-9]+) failed.*/\1/')
        passed=$((passed + good))
        failed=$((failed + bad))
        if [ "$bad" -gt 0 ] || [ "$status" -ne 0 ]; then
            grep -E '^FAIL' "$log" | cut -c1-2000
            tail -n 60 "$log"
            failures+=("$name")
            [ "$bad" -gt 0 ] || failed=$((failed + 1))
        fi
        grep -E '^SKIPPED ' "$log"
        echo "   $name: $last"
    fi
    rm -f "$log"
}

for part in "${parts[@]}"; do
    echo "== $part"
    case $part in
    unit)
        build dev && ctest_part dev || result 1 "dev: build" ;;
    asan | tsan)
        build "$part" && ctest_part "$part" || result 1 "$part: build" ;;
    stress)
        if build asan && build tsan; then
            script_part stress python3 tests/stress/run.py build/asan/logi build/tsan/logi
            # libh2o's own memory is not given back at the end of a process
            script_part "clients, asan" env ASAN_OPTIONS=detect_leaks=0 python3 tests/integration/run.py build/asan/logi isolation limits delete patterns rules tail
        else
            result 1 "stress: build"
        fi ;;
    arm64)
        script_part arm64 tests/arm64/run.sh ;;
    fuzz)
        if build fuzz; then script_part fuzz tests/fuzz/run.sh; else result 1 "fuzz: build"; fi ;;
    integration)
        need_commands "${client_commands[@]}" || export LOGI_NO_PACKAGES=1 # the suites that need them say that they are skipped
        if build release; then script_part integration python3 tests/integration/run.py build/release/logi; else result 1 "release: build"; fi ;;
    conformance)
        if build release; then script_part conformance tests/conformance/run.sh build/release/logi; else result 1 "release: build"; fi ;;
    logql)
        if build release; then
            script_part "logql examples" python3 tests/logql/examples.py build/release/logi
            script_part "logql random queries" python3 tests/logql/differential.py build/release/logi
        else
            result 1 "release: build"
        fi
        for preset in asan tsan; do
            [ "$long" = 1 ] || break
            if build "$preset"; then script_part "logql $preset" tests/logql/sanitized.sh "build/$preset/logi"; else result 1 "$preset: build"; fi
        done ;;
    crash)
        if build release; then script_part crash python3 tests/crash/run.py build/release/logi; script_part crash-deletes python3 tests/crash/deletes.py build/release/logi; else result 1 "release: build"; fi ;;
    *)
        echo "there is no part $part: see --help" >&2; exit 2 ;;
    esac
done

for name in "${failures[@]}"; do echo "FAILED $name"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
