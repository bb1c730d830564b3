#!/usr/bin/env bash
# How long portstory takes beside other programs on the same capture.
#
#   benches/peers.sh [--slow] [--forms] [CAPTURE.pcap]
#
# Each program reads the whole capture, in turn, RUNS times (7 if not set); the medians are printed with
# their ratio to dd, which only reads. Without a capture one of 400 MB is made of the fixtures, a
# hundredth of it in range. --slow adds what takes minutes; --forms adds the same capture as pcapng,
# compressed, and from standard input, each beside what only unpacks it or hands it on. What is not
# installed is left out, and said to be. PORTSTORY names the program, else it is built.
set -euo pipefail
cd "$(dirname "$0")/.."

slow='' forms='' capture=''
for argument; do
    case $argument in
        --slow) slow=1 ;;
        --forms) forms=1 ;;
        -*) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 2 ;;
        *) capture=$argument ;;
    esac
done
runs=${RUNS:-7}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ -z "${PORTSTORY:-}" ]; then
    cargo build --profile dist --quiet
    PORTSTORY=target/dist/portstory
fi

# A hundred times all fixtures, on other ports in all but one of them.
make_capture() {
    local file seen=$scratch/seen.pcap other=$scratch/other.pcap
    head -c 24 fixtures/ssh-openssh/capture.pcap > "$seen"
    for file in fixtures/*/*.pcap; do
        # Ethernet, little-endian, microseconds: what one file header can stand for.
        [ "$(head -c 24 "$file" | od -An -tx1 -N 4 | tr -d ' ')" = d4c3b2a1 ] || continue
        [ "$(od -An -tu2 -j 20 -N 2 "$file" | tr -d ' ')" = 1 ] || continue
        tail -c +25 "$file" >> "$seen"
    done
    python3 - "$seen" "$other" <<'PYTHON'
import struct, sys
seen = open(sys.argv[1], "rb").read()
out, at = bytearray(seen), 24
while at + 16 <= len(seen):
    size = struct.unpack_from("<I", seen, at + 8)[0]
    start = at + 16
    # IPv4 behind Ethernet, without options: ports in range move up by 20000.
    if seen[start + 12:start + 15] == b"\x08\x00\x45" and seen[start + 23] in (6, 17):
        for place in (start + 34, start + 36):
            port = struct.unpack_from(">H", seen, place)[0]
            if 3224 <= port <= 3324:
                struct.pack_into(">H", out, place, port + 20000)
    at = start + size
open(sys.argv[2], "wb").write(out)
PYTHON
    capture=$scratch/made.pcap
    cat "$seen" > "$capture"
    while [ "$(stat -c %s "$capture")" -lt 400000000 ]; do tail -c +25 "$other" >> "$capture"; done
}

if [ -z "$capture" ]; then
    command -v python3 > /dev/null || { echo "python3 is needed to make a capture; name one" >&2; exit 2; }
    make_capture
fi

names=() commands=()
# compare NAME PROGRAM COMMAND
compare() {
    if ! command -v "$2" > /dev/null; then
        echo "left out: $1 ($2 is not installed)"
        return
    fi
    names+=("$1")
    commands+=("$3")
}

quoted=$(printf %q "$capture")
out=$scratch/out.json
filter="'tcp port 3243 or udp portrange 3224-3324'"
compare "dd" dd "dd if=$quoted bs=256K of=/dev/null"
compare "portstory" "$PORTSTORY" "$PORTSTORY read -q --format eve -o $out $quoted"
compare "tcpdump, filter" tcpdump "tcpdump -r $quoted -w /dev/null $filter"
compare "ndpiReader, filter" ndpiReader "ndpiReader -q -i $quoted -f $filter"
if [ -n "$slow" ]; then
    compare "ndpiReader" ndpiReader "ndpiReader -q -i $quoted"
    compare "tshark, filter" tshark \
        "tshark -r $quoted -Y 'udp.port in {3224..3324} or tcp.port == 3243'"
fi
if [ -n "$forms" ]; then
    compare "cat to cat" cat "cat $quoted | cat > /dev/null"
    compare "cat to portstory" "$PORTSTORY" "cat $quoted | $PORTSTORY read -q --format eve -o $out -"
    if command -v editcap > /dev/null; then
        editcap -F pcapng "$capture" "$scratch/form.pcapng"
        compare "portstory, pcapng" "$PORTSTORY" \
            "$PORTSTORY read -q --format eve -o $out $scratch/form.pcapng"
    else
        echo "left out: pcapng (editcap is not installed)"
    fi
    for tool in gzip zstd; do
        command -v "$tool" > /dev/null || { echo "left out: $tool"; continue; }
        "$tool" -q -c "$capture" > "$scratch/form.$tool"
        compare "$tool -dc" "$tool" "$tool -dc < $scratch/form.$tool > /dev/null"
        compare "portstory, $tool" "$PORTSTORY" \
            "$PORTSTORY read -q --format eve -o $out $scratch/form.$tool"
    done
fi

cat "$capture" > /dev/null # into the page cache
TIMEFORMAT='%R %U %S'
for ((run = 0; run < runs; run++)); do
    for at in "${!commands[@]}"; do
        { time bash -c "${commands[at]}" > /dev/null 2>&1; } 2>> "$scratch/times.$at" || true
    done
done

median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }

echo
echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors," \
    "$(uname -sr), load $(cut -d ' ' -f 1 /proc/loadavg)"
echo "$(stat -c %s "$capture") octets; medians of $runs runs in turn"
"$PORTSTORY" --version
for tool in tcpdump ndpiReader tshark; do
    command -v "$tool" > /dev/null || continue
    case $tool in
        ndpiReader) ndpiReader -h 2>&1 | grep -m 1 -i 'ndpi' || true ;;
        *) "$tool" --version 2> /dev/null | head -n 1 ;;
    esac
done
printf '\n| %-20s | %8s | %8s | %6s |\n|---|---:|---:|---:|\n' "" "wall, s" "CPU, s" "to dd"
base=$(median < "$scratch/times.0")
for at in "${!names[@]}"; do
    wall=$(median < "$scratch/times.$at")
    cpu=$(awk '{ print $2 + $3 }' "$scratch/times.$at" | median)
    awk -v name="${names[at]}" -v wall="$wall" -v cpu="$cpu" -v base="$base" \
        'BEGIN { printf "| %-20s | %8.3f | %8.3f | %6.2f |\n", name, wall, cpu, wall / base }'
done
