#!/usr/bin/env bash
# Runs the recorded answers of real Loki against Logi: tests/conformance/run.sh build/release/logi
# The records live beside the project (../shared/conformance, ../shared/golden/http); where they are not, this says so and passes the own cases only.
set -uo pipefail
logi=$(realpath "$1")
cd "$(dirname "$0")/../.."
shared=${LOGI_SHARED:-$(realpath -m ../shared)}
work=$(mktemp -d)
pids=()
passed=0
failed=0

stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap stop EXIT

# Starts a server on a free port; its URL is left in $url.
start() { # PROFILE
    local port
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$logi" serve --listen "127.0.0.1:$port" --data "$work/$1" --config "tests/conformance/$1.yaml" >"$work/$1.log" 2>&1 &
    pids+=($!)
    url=http://127.0.0.1:$port
    for _ in $(seq 100); do
        curl -sf "$url/ready" >/dev/null && return 0
        sleep 0.1
    done
    echo "logi with $1.yaml is not ready:"
    cat "$work/$1.log"
    failed=$((failed + 1))
    return 1
}

# Adds the counts of a run's last line: "N passed, N failed" or "N cases, N failed, N skipped".
count() { # FILE NAME
    local last good bad
    last=$(grep -oE '[0-9]+ (passed|cases), [0-9]+ failed' "$1" | tail -n 1)
    if [ -z "$last" ]; then
        echo "$2: no result"
        tail -n 20 "$1"
        failed=$((failed + 1))
        return
    fi
    bad=$(echo "$last" | sed -E 's/.*, ([0-9]+) failed/\1/')
    good=${last%% *}
    [[ $last == *cases* ]] && good=$((good - bad))
    echo "$2: $good passed, $bad failed"
    passed=$((passed + good))
    failed=$((failed + bad))
    grep -E '^ *(FAIL|fail)' "$1" | head -n 40
}

if [ -f "$shared/golden/http/replay.py" ]; then
    start single && single=$url && start multi && multi=$url &&
        python3 "$shared/golden/http/replay.py" --single "$single" --multi "$multi" >"$work/replay.txt" 2>&1
    count "$work/replay.txt" "recorded HTTP cases"
else
    echo "recorded HTTP cases: not here ($shared/golden/http), skipped"
fi
if [ -f "$shared/conformance/check.py" ]; then
    start logql && python3 "$shared/conformance/check.py" "$url" --wait 10 >"$work/check.txt" 2>&1
    count "$work/check.txt" "LogQL corpus"
else
    echo "LogQL corpus: not here ($shared/conformance), skipped"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
