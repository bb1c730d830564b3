#!/usr/bin/env bash
# Live, end to end: real programs talk in network namespaces while portstory listens, and every flow
# gets its label; then the interface's transmit counters show that portstory sent nothing.
#
#   tests/live-labels.sh [PORTSTORY]    default: target/release/portstory
#
# Needs root; installs what the cases of fixtures/record.d need (openssl, openssh).
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
portstory=$(realpath "${1-$repository/target/release/portstory}")
fixtures=$repository/fixtures

fail() {
    echo "live-labels: $*" >&2
    exit 1
}

# check CASE LABEL PROTOCOL: what the case's flows must be called; null where nothing is recognised.
check() (
    local name=$1 label=$2 protocol=$3
    # shellcheck source-path=SCRIPTDIR source=../fixtures/record.d/lib.sh
    . "$fixtures/record.d/lib.sh"
    load_case "$name"
    install_packages iproute2 "${packages[@]}"
    work=$(mktemp -d)
    trap clean_up EXIT
    network_up
    serve

    ip netns exec "$server_ns" "$portstory" live -i ps-server --format eve -o "$work/eve.json" \
        2>"$work/portstory.log" &
    local pid=$! started ended
    until grep -qs 'listening on' "$work/portstory.log"; do
        kill -0 "$pid" || fail "$(cat "$work/portstory.log")"
        sleep 0.05
    done
    talk
    sleep 0.5
    started=$(date +%s%N)
    kill -TERM "$pid"
    wait "$pid" || fail "$name: exit code $?: $(cat "$work/portstory.log")"
    ended=$(($(date +%s%N) - started))
    [[ $ended -lt 1000000000 ]] || fail "$name: took $((ended / 1000000)) ms to end"

    grep '"event_type":"flow"' "$work/eve.json" >"$work/flows.json" || fail "$name: no flow"
    ! grep -v "\"label\":\"$label\"" "$work/flows.json" || fail "$name: not all $label"
    ! grep -v "\"protocol\":$protocol," "$work/flows.json" || fail "$name: not all $protocol"
    echo "$name: $(wc -l <"$work/flows.json") flow(s), $label, $protocol; ended in $((ended / 1000000)) ms"
)

# An interface that nobody else uses: whatever it transmits, portstory sent.
check_silence() (
    # shellcheck source-path=SCRIPTDIR source=../fixtures/record.d/lib.sh
    . "$fixtures/record.d/lib.sh"
    work=$(mktemp -d)
    trap clean_up EXIT
    network_up
    sent() { ip -n "$1" -s -j link show "$2" | grep -o '"tx":{"bytes":[0-9]*,"packets":[0-9]*'; }
    local before after status
    # Without an address the kernel itself has nothing to say here either.
    ip netns exec "$server_ns" sysctl -q -w net.ipv6.conf.ps-server.disable_ipv6=1
    ip -n "$server_ns" address flush dev ps-server
    ip -n "$client_ns" neighbour add 10.43.0.77 lladdr 02:43:00:00:00:01 dev ps-client
    before=$(sent "$server_ns" ps-server)
    status=0
    # Frames come in from the other side meanwhile: there would be something to answer.
    (
        sleep 0.5
        for _ in 1 2 3; do ip netns exec "$client_ns" bash -c 'echo x >/dev/udp/10.43.0.77/3243' || true; done
    ) &
    ip netns exec "$server_ns" timeout -s INT 3 "$portstory" live -p -i ps-server -q >"$work/out" || status=$?
    [[ $status -eq 0 || $status -eq 124 ]] || fail "silence: exit code $status"
    grep -q '10.43.0.77:3243/udp' "$work/out" || fail "silence: the datagrams were not seen"
    after=$(sent "$server_ns" ps-server)
    [[ $before == "$after" ]] || fail "the interface transmitted: $before, then $after"
    echo "silence: transmit counters stay at ${after#*:}"
)

[[ $EUID -eq 0 ]] || fail "needs root, to make network namespaces"
check dtls-openssl other '"dtls"'
check ssh-openssh other '"ssh"'
check unknown-tcp timelot-unknown null
check unknown-udp timelot-unknown null
check_silence
