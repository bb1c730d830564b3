#!/usr/bin/env bash
# Live for a while, as a sensor runs for months: floods, conversations, SIGHUP, SIGUSR1, rotation, with
# privileges dropped. Then every file must be readable and whole, losses told, and memory flat.
#
#   tests/live-soak.sh [PORTSTORY [SECONDS]]    default: target/release/portstory, 120 seconds
#
# Needs root, iproute2, python3, and tcpdump to read the saved packets.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
portstory=$(realpath "${1-$repository/target/release/portstory}")
seconds=${2-120}
near=ps-soak-near-$$
far=ps-soak-far-$$
work=$(mktemp -d)
pid=

clean_up() {
    [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
    ip netns del "$near" 2>/dev/null || true
    ip netns del "$far" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
fail() {
    echo "live-soak: $*" >&2
    head -5 "$work/log" >&2
    tail -5 "$work/log" >&2
    exit 1
}

ip netns add "$near"
ip netns add "$far"
ip link add ps-near netns "$near" type veth peer name ps-far netns "$far"
ip -n "$near" link set ps-near addrgenmode none up
ip -n "$far" link set ps-far addrgenmode none up
chmod 700 "$work"

ip netns exec "$near" "$portstory" live -i ps-near -v --user 65534:65534 --sandbox require \
    --format eve -o "$work/eve.json" -w "$work/saved.pcapng" \
    --rotate-size 8M --rotate-time 20s --keep 40 2>"$work/log" &
pid=$!
until grep -qs 'listening on' "$work/log"; do
    kill -0 "$pid" || fail "it did not start"
    sleep 0.05
done
[[ $(awk '/^Uid:/ { print $2 }' "/proc/$pid/status") == 65534 ]] || fail "it is still root"
sent_before=$(ip -n "$near" -s link show ps-near | awk '/TX:/ { getline; print $2 }')

# A flood from random addresses in every third part of the time, conversations always.
ip netns exec "$far" python3 - "$seconds" <<'PYTHON' &
import random, socket, struct, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("ps-far", 0))
def udp(src, dst, sport, dport, data):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0, src, dst)
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~((total & 0xffff) + (total >> 16)) & 0xffff) + ip[12:]
    return (b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + ip
            + struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data)
end, sent, random.seed = time.time() + float(sys.argv[1]), 0, 1
server = bytes([10, 9, 0, 1])
while (now := time.time()) < end:
    client = bytes([10, 9, 1, random.randrange(1, 200)])
    payload = random.randbytes(200)
    for _ in range(4):
        out.send(udp(client, server, 40000, 3243, payload))
        out.send(udp(server, client, 3243, 40000, payload))
        sent += 2
    if int(now) % 3 == 0:
        for _ in range(200):
            out.send(udp(random.randbytes(4), server, random.randrange(1024, 65536), 3243, b"x" * 32))
            sent += 1
    else:
        time.sleep(0.005)
print(f"sent {sent} packets", file=sys.stderr)
PYTHON
sender=$!

resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"; }
quarter=0
for ((second = 1; second <= seconds; second++)); do
    sleep 1
    kill -0 "$pid" || fail "it ended early"
    ((second % 10)) || kill -HUP "$pid"
    ((second % 15)) || kill -USR1 "$pid"
    ((second != seconds / 4)) || quarter=$(resident)
done
wait "$sender"
sleep 1
last=$(resident)
sent_after=$(ip -n "$near" -s link show ps-near | awk '/TX:/ { getline; print $2 }')
kill -TERM "$pid"
wait "$pid" || fail "exit code $?"
pid=

echo "resident: $quarter KiB after a quarter, $last KiB at the end; sent by the interface: $((sent_after - sent_before)) packets"
((last < quarter * 11 / 10 + 4096)) || fail "memory grows"
((sent_after == sent_before)) || fail "it sent something"
saved=0
for file in "$work"/saved-*.pcapng; do
    count=$(tcpdump -n -r "$file" 2>"$work/tcpdump" | wc -l)
    ! grep -iE 'trunc|bad|error' "$work/tcpdump" || fail "$file cannot be read"
    saved=$((saved + count))
done
python3 -c 'import json, sys
for name in sys.argv[1:]:
    text = open(name).read()
    assert not text or text.endswith("\n"), name
    for line in text.splitlines(): json.loads(line)' "$work"/eve-*.json
echo "files: $(ls "$work"/saved-* | wc -l) of packets with $saved packets, $(ls "$work"/eve-* | wc -l) of events; all whole"
grep -c 'frames,' "$work/log" | sed 's/$/ times statistics; the last:/'
grep 'frames,' "$work/log" | tail -1
! grep -iE 'permission|denied|cannot open' "$work/log" || fail "rights were missing"
