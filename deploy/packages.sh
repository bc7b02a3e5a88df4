#!/usr/bin/env bash
# Sourced by deploy/run.sh and tests/run.sh: which Debian 12 packages Logi needs, and how they get here.
# need PACKAGE...: installs those that are missing; asks the network only then. False: that failed.

build_packages=(
    cmake ninja-build gcc g++ pkg-config
    libh2o-evloop-dev libwslay-dev libprotobuf-c-dev protobuf-c-compiler libsnappy-dev liblmdb-dev liburcu-dev
    libre2-dev libzstd-dev libxxhash-dev libssl-dev zlib1g-dev libyaml-dev libcurl4-openssl-dev liblz4-dev tzdata
)
test_packages=(
    libcmocka-dev clang-14 libclang-rt-14-dev llvm-14 prometheus prometheus-alertmanager python3 python3-requests python3-httpx python3-websockets python3-venv openssl curl
)
# What brings and runs the clients of tests/integration: command:package, for a machine may have them from elsewhere.
client_commands=(node:nodejs npm:npm mvn:maven java:default-jdk-headless)

need() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "these packages are missing, and there is no sudo to install them: ${missing[*]}" >&2; return 1; }
        as_root=(sudo)
    fi
    echo "installing ${missing[*]}"
    # Only the programs of Prometheus and Alertmanager are wanted: Debian's policy file keeps the installation from starting their services.
    local policy=/usr/sbin/policy-rc.d made=no status=0
    if [ ! -e "$policy" ] && printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null; then
        "${as_root[@]}" chmod 755 "$policy"
        made=yes
    fi
    { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } || status=$?
    [ "$made" = yes ] && "${as_root[@]}" rm -f "$policy"
    return "$status"
}

# need_commands COMMAND:PACKAGE...: installs the packages of the commands that are missing. False: that failed.
need_commands() {
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    [ ${#missing[@]} -eq 0 ] || need "${missing[@]}"
}
