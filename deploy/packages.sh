#!/usr/bin/env bash
# Sourced by deploy/run.sh and tests/run.sh: which Debian 12 packages Logi needs, and how they get here.
# need PACKAGE...: installs those that are missing; asks the network only then.

build_packages=(
    cmake ninja-build gcc g++ pkg-config
    libh2o-evloop-dev libwslay-dev libprotobuf-c-dev protobuf-c-compiler libsnappy-dev liblmdb-dev liburcu-dev
    libre2-dev libzstd-dev libxxhash-dev libssl-dev zlib1g-dev libyaml-dev libcurl4-openssl-dev liblz4-dev
)
test_packages=(
    libcmocka-dev clang-14 libclang-rt-14-dev llvm-14 prometheus python3 python3-requests python3-websockets curl
)

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
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
