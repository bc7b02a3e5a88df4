#!/usr/bin/env bash
# Cross-builds everything for arm64, warnings as errors, and runs the unit tests and the fuzzers' corpora under QEMU. Wants root (debootstrap) and some minutes.
# Left out, for QEMU's user mode alone: store_crash, whose child is to die by SIGKILL in the midst of its threads (it is reported otherwise), and store_faults,
# which starts tens of thousands of threads (QEMU keeps memory of each).
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/packages.sh
need gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static debootstrap protobuf-c-compiler cmake ninja-build pkg-config
export LOGI_ARM64_ROOT=$PWD/build/arm64-root
if [ ! -e "$LOGI_ARM64_ROOT/.complete" ]; then
    rm -rf "$LOGI_ARM64_ROOT"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1) # where this machine's packages come from
    wanted=(libstdc++-12-dev libcrypt-dev libcmocka-dev)
    for package in "${build_packages[@]}"; do
        case $package in *-dev) wanted+=("$package") ;; esac
    done
    debootstrap --arch=arm64 --foreign --variant=minbase --include="$(IFS=,; echo "${wanted[*]}")" bookworm "$LOGI_ARM64_ROOT" "$mirror"
    for archive in "$LOGI_ARM64_ROOT"/var/cache/apt/archives/*.deb; do dpkg -x "$archive" "$LOGI_ARM64_ROOT"; done
    touch "$LOGI_ARM64_ROOT/.complete"
fi
export PKG_CONFIG_SYSROOT_DIR=$LOGI_ARM64_ROOT
export PKG_CONFIG_LIBDIR=$LOGI_ARM64_ROOT/usr/lib/aarch64-linux-gnu/pkgconfig:$LOGI_ARM64_ROOT/usr/share/pkgconfig
cmake -S . -B build/arm64 -G Ninja -DCMAKE_TOOLCHAIN_FILE="$PWD/tests/arm64/toolchain.cmake" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS_DEBUG="-O2 -g -Werror" -DCMAKE_CXX_FLAGS_DEBUG="-O2 -g -Werror" >/dev/null
cmake --build build/arm64 | grep -vE '^\[[0-9]+/[0-9]+\]' || true
log=$(mktemp)
ctest --test-dir build/arm64 -j "$(nproc)" --timeout 1800 -E 'docs\.|store_crash|store_faults' --output-on-failure >"$log" 2>&1 || true
passed=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#.* Passed ' "$log" || true)
failed=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#.*(\*\*\*|Not Run)' "$log" || true)
[ "$failed" -eq 0 ] || cat "$log"
rm -f "$log"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
