# The daily commands, for https://just.systems; each is one line that works without it, too.

# what there is
default:
    @just --list

# what is needed to build and run, and for `just test` what tests need
setup:
    ./setup --tests

# compile everything, quickly
check:
    cargo check --workspace --all-targets

# all tests, or those of one file: just test cli
test *FILE:
    cargo test {{ if FILE == "" { "" } else { "--test " + FILE } }}

# formatting and clippy, as the gate has them
lint:
    cargo fmt --all --check
    cargo clippy --all-targets -- -D warnings

# builds with some features, all and none
features:
    tests/features.sh

# the whole gate, half an hour
gate:
    .ci/run

# write the golden files of the fixtures anew; read the difference before you commit it
bless:
    PORTSTORY_BLESS=1 cargo test --test fixtures
    git diff --stat fixtures

# label a capture with this working tree
run *ARGS:
    cargo run --release --quiet -- {{ARGS}}

# the documentation of both crates
doc:
    cargo doc --no-deps --open

# count instructions against what is allowed (valgrind)
instructions:
    benches/instructions.sh

# captures that cost the most, with their time and memory
worst:
    benches/worst.py

# fuzz every target for so many seconds
fuzz SECONDS="60":
    fuzz/run.sh {{SECONDS}}

# what a package is built with
dist:
    cargo build --profile dist --locked
