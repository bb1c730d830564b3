#!/usr/bin/env bash
# How often the judge is right and wrong, in figures: on generated sessions, and on captures of known
# protocols whose ports are moved. Nothing here passes or fails.
#
#   tests/judge_figures.sh [-p PORTSTORY] [-n COUNT] [-s SEED] [CORPUS]
#
# CORPUS: a folder of pcap files whose flows are no Framehawk, with server ports on 3243. PORTSTORY is
# target/release/portstory unless told otherwise; COUNT sessions of each kind (1000) are made with
# SEED (4; 1 to 3 are for tuning). The generator is made from the same facts as the rules: its figures
# show consistency, not truth.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
portstory=$repository/target/release/portstory
count=1000
seed=4
while getopts p:n:s: option; do
    case $option in
    p) portstory=$(realpath "$OPTARG") ;;
    n) count=$OPTARG ;;
    s) seed=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[[ -x $portstory ]] || {
    echo "judge_figures: $portstory is not there: cargo build --release, or give -p" >&2
    exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

label() { "$portstory" read --quiet --format csv "$1" 2>/dev/null || true; }

# Counts of a CSV with flows: how many, how many Framehawk by confidence, and what is asked for.
tell() {
    python3 - "$1" "$2" <<'PYTHON'
import csv, sys
from collections import Counter

title, path = sys.argv[1:]
rows = [row for row in csv.DictReader(open(path, newline="")) if row["label"] != "label"]
flows = max(1, len(rows))
framehawk = Counter(row["confidence"] for row in rows if row["label"] == "citrix-framehawk")
words = ", ".join(f"{count} {word}" for word, count in sorted(framehawk.items())) or "none"
print(f"{title:34} {len(rows):5} flows, citrix-framehawk {sum(framehawk.values()) / flows:.3f} ({words})")
if title.startswith("client"):
    # Where it can be seen who is the client.
    began = [row for row in rows if row["roles"] in ("handshake", "protocol")]
    right = sum(row["status"] == "client_port" for row in began)
    bold = sum(row["label"] == "timelot-unknown" and row["confidence"] != "low" for row in rows)
    rate = right / max(1, len(began))
    print(f"{'':34} {len(began):5} whose client shows, client_port {rate:.4f}; of all {bold} timelot-unknown above low")
PYTHON
}

# Figures of kinds of sessions, as `option` makes them; `words` say what that is.
made() {
    local option=$1 words=$2 kind
    shift 2
    for kind; do
        python3 "$repository/fixtures/make/sessions.py" --kind "$kind" --count "$count" \
            --seed "$seed" --out "$work" $option >/dev/null
        label "$work/$kind-$seed.pcap" >"$work/flows.csv"
        tell "$kind$words" "$work/flows.csv"
        rm "$work/$kind-$seed.pcap"
    done
}

display=(framehawk-ica framehawk-gateway framehawk-alone framehawk-host)
others=(video quic game file voice edt edt-midflow)
echo "Generated sessions, seed $seed (consistency, not truth)"
made "" "" "${display[@]}" "${others[@]}"
made --companion " beside an ICA session" "${others[@]}"
made --late ", met on its way" "${display[@]}" "${others[@]}"

[[ $# -gt 0 ]] || exit 0
echo
echo "Captures of known protocols: $1"
moved() {
    : >"$work/flows.csv"
    local capture
    for capture in "$corpus"/*.pcap; do
        "$repository/tests/rewrite_ports.py" "$1" "$2" "$capture" "$work/moved.pcap" 2>/dev/null || continue
        label "$work/moved.pcap" >>"$work/flows.csv"
    done
    tell "$1's port $2" "$work/flows.csv"
}
corpus=$1
for capture in "$corpus"/*.pcap; do label "$capture"; done >"$work/flows.csv"
tell "as they are" "$work/flows.csv"
for port in 3224 3250 3324; do moved server "$port"; done
moved client 3243
