#!/usr/bin/env bash
# Runs the whole test suite five times in a row beside a busy loop for every core. What waits for a time
# instead of a condition fails here sooner or later.
#
#   tests/patience.sh [RUNS]    default: 5
#
# PORTSTORY_LOAD is a command to run instead of the busy loops, once a core: a fuzzer is as busy. It gets
# the number of its core, from 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo test --quiet --no-run
for core in $(seq "$(nproc)"); do
    if [[ ${PORTSTORY_LOAD-} ]]; then
        "$PORTSTORY_LOAD" "$core" >"target/load-$core.log" 2>&1 &
    else
        (while :; do :; done) &
    fi
done
trap 'kill $(jobs -p)' EXIT

failed=0
for run in $(seq "${1:-5}"); do
    started=$SECONDS
    # A test binary that is killed has no line of results: how cargo ends counts, too.
    cargo test --no-fail-fast >"target/patience-$run.log" 2>&1 || failed=1
    grep -E '^test .*FAILED|panicked at' "target/patience-$run.log" || true
    awk -v run="$run" -v took=$((SECONDS - started)) '
        /^test result/ { passed += $4; failed += $6 }
        END { printf "run %d: %d passed, %d failed, %d s\n", run, passed, failed, took; exit failed > 0 }
    ' "target/patience-$run.log" || failed=1
done
exit $failed
