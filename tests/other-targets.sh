#!/usr/bin/env bash
# Checks that the core compiles for WebAssembly, Windows and macOS: that it needs no operating system.
#
#   tests/other-targets.sh
#
# Debian unstable has the standard library for WebAssembly, and its source for the others, for which it is
# built first. Its Rust is newer than the oldest that builds the project. Takes what is committed. Needs
# root, debootstrap, the network and about 3 GB below $TMPDIR; ends with 1 where a target fails.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf --one-file-system "$tree"' EXIT

packages=cargo,rustc,libstd-rust-dev-wasm32,rust-src,binutils-mingw-w64-x86-64,ca-certificates,gcc,libc6-dev
debootstrap --variant=minbase --include=$packages unstable "$tree" >"$tree.log" 2>&1 || {
    tail -5 "$tree.log" >&2
    exit 1
}
rm "$tree.log"
git clone -q "$repository" "$tree/root/portstory"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
cp -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"

check() {
    local status=0
    # The way to build the standard library oneself is not stable.
    chroot "$tree" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 \
        cargo check --quiet --manifest-path /root/portstory/Cargo.toml -p portstory-core --target "$@" ||
        status=$?
    printf '%s: exit %d\n' "$1" "$status"
    ((status == 0)) || failed=1
}

failed=0
chroot "$tree" rustc --version
check wasm32-unknown-unknown
check x86_64-pc-windows-gnu -Zbuild-std=std,panic_abort
check aarch64-apple-darwin -Zbuild-std=std,panic_abort
exit $failed
