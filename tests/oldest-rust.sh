#!/usr/bin/env bash
# Checks that the oldest Rust that Cargo.toml names (`rust-version`) compiles the program, the core and their
# tests, with the versions of Cargo.lock.
#
#   tests/oldest-rust.sh [VERSION]
#
# With VERSION it is tried with another one, to see what is too old. Needs rustup, which gets the toolchain
# where it is missing. Builds in target/oldest-rust, so that nothing else is built anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v rustup >/dev/null || { echo "rustup is not installed: see https://rustup.rs" >&2; exit 2; }
version=${1:-$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)}
rustup toolchain install --no-self-update --profile minimal "$version" >/dev/null
cargo "+$version" --version
CARGO_TARGET_DIR=target/oldest-rust cargo "+$version" check --workspace --all-targets --locked
