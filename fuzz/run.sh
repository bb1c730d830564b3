#!/usr/bin/env bash
# Searches for inputs that break a promise, with cargo-fuzz, for so many seconds a target.
#
#   fuzz/run.sh [SECONDS [TARGET...]]    default: 60 seconds each of all targets
#
# Needs `cargo install cargo-fuzz` and a C++ compiler; a stable toolchain will do. Begins from the
# fixtures, from fuzz/seeds and from what earlier searches found (fuzz/corpus). Prints how many inputs
# were run; what breaks a promise is under fuzz/artifacts and becomes a file of fuzz/seeds once mended.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1-60}
shift || true
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(sed -n 's/^    ("\([a-z]*\)", .*/\1/p' fuzz/src/lib.rs)
# The sanitizers are flags of the compiler that are not stable yet.
export RUSTC_BOOTSTRAP=1

PORTSTORY_SEEDS=$PWD/fuzz/corpus cargo test --quiet --test fuzzing >/dev/null
failed=0
for target in "${targets[@]}"; do
    mkdir -p "fuzz/corpus/$target" "fuzz/seeds/$target"
    log=fuzz/corpus/$target.log
    cargo fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=1024 -timeout=5 \
        -print_final_stats=1 >"$log" 2>&1 || { failed=1; echo "$target: FAILED, see $log"; }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    covered=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    echo "$target: ${runs:-?} runs in $seconds s, ${covered:-cov: ?} edges, peak ${peak:-?} MiB"
done
exit $failed
