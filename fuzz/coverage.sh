#!/usr/bin/env bash
# Prints how much of each decoder the fuzz target's inputs run through.
#
#   fuzz/coverage.sh [SECONDS]
#
# Builds the target with the stable toolchain, runs it for SECONDS (default 60) from the
# fixtures on, and prints lines and regions of core/src/decode and src/capture/file that were
# run, by file. Fails where a decoder was never reached.
#
# Needs a C++ compiler (libFuzzer) and `rustup component add llvm-tools`.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-60}
tools=$(rustc --print target-libdir)/../bin
[[ -x $tools/llvm-cov ]] || {
    echo "coverage.sh: llvm-cov is missing: rustup component add llvm-tools" >&2
    exit 2
}
export CARGO_TARGET_DIR=$PWD/target/coverage
target=$(rustc -vV | sed -n 's/^host: //p')
corpus=$PWD/corpus/whole
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What `cargo fuzz` asks for too, but for the sanitizer, which only nightly has: counters that
# libFuzzer steers by, and the compiler's own that llvm-cov reads. With --target neither goes into
# build scripts.
export RUSTFLAGS="--cfg fuzzing -Cinstrument-coverage -Cpasses=sancov-module \
-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1"
cargo build --quiet --release --target "$target"
program=$CARGO_TARGET_DIR/$target/release/whole

# Large captures say nothing more about the decoders than small ones, and slow the fuzzer down.
mkdir -p "$corpus"
for capture in ../fixtures/*/*.pcap*; do
    [[ $(stat -c %s "$capture") -gt 16384 ]] ||
        cp "$capture" "$corpus/$(basename "$(dirname "$capture")")-$(basename "$capture")"
done
seeds=$(find "$corpus" -type f | wc -l)

LLVM_PROFILE_FILE=$work/ignored.profraw "$program" -max_total_time="$seconds" -max_len=16384 \
    -timeout=10 -print_final_stats=1 "$corpus" 2>"$work/log" || {
    tail -n 20 "$work/log" >&2
    exit 1
}
LLVM_PROFILE_FILE=$work/whole.profraw "$program" -runs=0 "$corpus" 2>/dev/null
"$tools/llvm-profdata" merge -sparse "$work/whole.profraw" -o "$work/whole.profdata"

echo "$seeds seeds, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs," \
    "$(find "$corpus" -type f | wc -l) inputs kept"
"$tools/llvm-cov" export -summary-only -instr-profile "$work/whole.profdata" "$program" \
    >"$work/summary.json"
python3 - "$work/summary.json" <<'PYTHON'
import json
import sys

files = json.load(open(sys.argv[1]))["data"][0]["files"]
never, total = [], [0, 0]
print(f"{'':34} {'lines':>13} {'regions':>13}")
for file in sorted(files, key=lambda file: file["filename"]):
    _, found, name = file["filename"].partition("/src/")
    if not found or not name.startswith(("decode/", "capture/file/")):
        continue
    sums = [file["summary"][kind] for kind in ("lines", "regions")]
    shown = " ".join(f"{one['covered']:5} of {one['count']:4}" for one in sums)
    print(f"{name:34} {shown}")
    # `unopened` only holds names.
    if name.startswith(("decode/link/", "decode/tunnel/")) and "unopened" not in name:
        total = [total[0] + sums[0]["covered"], total[1] + sums[0]["count"]]
        if not sums[0]["covered"]:
            never.append(name)
print(f"link types and tunnels: {total[0]} of {total[1]} lines")
if never:
    sys.exit("never reached: " + ", ".join(never))
PYTHON
