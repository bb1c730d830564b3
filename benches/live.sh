#!/usr/bin/env bash
# Live capture beside tcpdump: lost packets and processor time, over veth at full speed.
#
#   benches/live.sh CAPTURE.pcap [SECONDS]     default: 60 seconds for each of the four
#
# tcpreplay sends CAPTURE again and again between two network namespaces. portstory and tcpdump (which
# writes to /dev/null) listen in turn, each with the same filter in the kernel and without one. A capture
# with a tenth of its packets in range is what a busy sensor might see. Needs root, iproute2, tcpreplay
# and tcpdump; PORTSTORY names the program.
set -euo pipefail
cd "$(dirname "$0")/.."
capture=$(realpath "${1:?a capture to replay}")
seconds=${2:-60}
portstory=$(realpath "${PORTSTORY:-target/release/portstory}")
near=ps-bench-near-$$
far=ps-bench-far-$$
work=$(mktemp -d)
chmod 755 "$work"
listener='' sender=''

clean_up() {
    [ -z "$sender" ] || kill "$sender" 2> /dev/null || true
    [ -z "$listener" ] || kill "$listener" 2> /dev/null || true
    ip netns del "$near" 2> /dev/null || true
    ip netns del "$far" 2> /dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

ip netns add "$near"
ip netns add "$far"
ip link add ps-near netns "$near" type veth peer name ps-far netns "$far"
ip -n "$near" link set ps-near addrgenmode none mtu 9000 up
ip -n "$far" link set ps-far addrgenmode none mtu 9000 up

received() { ip netns exec "$near" cat /sys/class/net/ps-near/statistics/rx_packets; }

# CPU seconds of a process that still runs: user and system, in clock ticks of a hundredth.
cpu() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print ($12 + $13) / 100 }'; }

# listen NAME COMMAND...: the command listens while SECONDS of packets are sent.
listen() {
    local name=$1 before used sent
    shift
    ip netns exec "$near" "$@" > "$work/out" 2> "$work/log" &
    listener=$!
    sleep 2
    before=$(received)
    ip netns exec "$far" tcpreplay -q --topspeed --loop=0 --duration="$seconds" -K -i ps-far "$capture" \
        > "$work/replay" 2>&1 &
    sender=$!
    wait "$sender" || true
    sender=''
    sleep 2
    sent=$(($(received) - before))
    used=$(cpu "$listener")
    kill -INT "$listener"
    wait "$listener" || true
    listener=''
    if [ "$name" = "${name#tcpdump}" ]; then
        lost=$(grep -o '"kernel_drops":[0-9]*' "$work/eve.json" | tail -n 1 | cut -d : -f 2)
    else
        lost=$(sed -n 's/ packets dropped by kernel//p' "$work/log")
    fi
    printf '| %-28s | %9d | %8d | %8s | %6.2f |\n' "$name" "$sent" $((sent / seconds)) \
        "${lost:-?}" "$used"
}

filter='tcp port 3243 or udp portrange 3224-3324'
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors, $(uname -sr)," \
    "load $(cut -d ' ' -f 1 /proc/loadavg); $seconds s each"
"$portstory" --version
tcpdump --version 2> /dev/null | head -n 1
tcpreplay --version 2>&1 | head -n 1
printf '| %-28s | %9s | %8s | %8s | %6s |\n|---|---:|---:|---:|---:|\n' \
    "" packets "a second" lost "CPU, s"
listen "portstory, filter in kernel" "$portstory" live -q -i ps-near -f "$filter" --format eve -o "$work/eve.json"
listen "tcpdump, filter in kernel" tcpdump -n -i ps-near -B 65536 -w /dev/null "$filter"
listen "portstory" "$portstory" live -q -i ps-near --format eve -o "$work/eve.json"
listen "tcpdump" tcpdump -n -i ps-near -B 65536 -w /dev/null
