#!/usr/bin/env bash
# Holds the number of instructions of the hot paths to what was committed in instructions.txt.
#
#   benches/instructions.sh [--bless]
#
# Three runs under valgrind's callgrind, over some fixtures: the start alone (a capture of few packets),
# packets that nobody watches (the record walk and the fast no), and packets in range (decoder,
# detectors, judge, EVE). Instructions do not depend on how busy the machine is. More than a tenth above
# what was committed fails; --bless writes what is there now. Other compilers give other numbers: the
# file names the one it was written with.
set -euo pipefail
cd "$(dirname "$0")/.."
committed=benches/instructions.txt

command -v valgrind > /dev/null || { echo "valgrind is not installed; ./setup does that" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Without optimisation across crates: that takes most of a build's time, and changes nothing here.
# One unit of code: with more, what is inlined hangs on which file a function happens to share one with.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
cargo build --release --quiet
portstory=${CARGO_TARGET_DIR:-target}/release/portstory

# Nobody watches these: the sessions of the largest fixtures, again and again.
unwatched=$scratch/unwatched.pcap
large=fixtures/framehawk-siblings/capture.pcap
cat "$large" > "$unwatched"
for _ in $(seq 1 40); do tail -c +25 "$large" >> "$unwatched"; done

count() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$portstory" read -q --format eve \
        -o "$scratch/out.json" "$@" 2>&1 | tr -d , | sed -n 's/.*I *refs: *//p'
}

# Named, so that a new fixture changes nothing here.
in_range=(dns-dnsmasq dtls-openssl framehawk-3243-alone http-nginx-curl https-nginx-curl mariadb
    openvpn quic-aioquic redis rtp-ffmpeg sip-sipp smb-samba ssh-openssh stun syn-scan text-shell
    tls12-openssl udp-one-way udt unknown-tcp unknown-udp wireguard)

start=$(count fixtures/ssh-openssh/capture.pcap)
{
    echo "# instructions, by benches/instructions.sh --bless with $(rustc --version)"
    echo "start $start"
    echo "unwatched $(($(count --port 1 --framehawk-range 1-1 "$unwatched") - start))"
    echo "in-range $(($(count "${in_range[@]/#/fixtures/}") - start))"
} > "$scratch/counted.txt"

if [ "${1:-}" = --bless ]; then
    cp "$scratch/counted.txt" "$committed"
    cat "$committed"
    exit
fi
grep -qF "$(rustc --version)" "$committed" ||
    echo "note: $committed was written with another compiler: $(head -n 1 "$committed")"
awk '
    /^#/ { next }
    NR == FNR { before[$1] = $2; next }
    {
        if (!($1 in before)) { print $1 ": not in the committed file"; failed = 1; next }
        growth = 100 * ($2 - before[$1]) / before[$1]
        printf "%-10s %12d instructions, %+.1f %%\n", $1, $2, growth
        if (growth > 10) failed = 1
    }
    END {
        if (failed) print "more than a tenth above benches/instructions.txt: see CONTRIBUTING.md, Benchmarks"
        exit failed
    }' "$committed" "$scratch/counted.txt"
