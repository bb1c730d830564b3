#!/usr/bin/env python3
"""Leave one detector out: do its flows stay unknown, or does another one take them?

    tests/leave-one-out.py FOLDER [PORTSTORY]    default: target/release/portstory

For every capture in FOLDER and every protocol that is recognised in it, the capture is read again
with that detector left out. A flow that another detector then names was named by too weak a check.
Names within a chain (STUN, then DTLS) are no mistake: what is left of the chain still holds. Nor are
names that the flow has beside the one left out (TRUE_AS_WELL); they are listed and counted apart.
"""
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys

# Left out, called so instead: why that is no mistake.
TRUE_AS_WELL = {
    ("websocket", "http"): "its handshake is an HTTP request (RFC 6455 section 4.1)",
    ("stratum", "json-rpc"): "its messages are JSON-RPC's",
    ("nfs", "sunrpc"): "it is a program of ONC RPC (RFC 1813 section 1)",
    ("rtp", "rtcp"): "they share the port (RFC 5761)",
    ("rtcp", "rtp"): "they share the port (RFC 5761)",
    ("discord", "rtp"): "its voice is RTP, behind its IP discovery",
    ("utp", "bittorrent-dht"): "a client has both on one port (BEP 5, BEP 29)",
}


def flows(program, capture, without=None):
    """Protocols by flow, as the EVE output has them."""
    command = [program, "read", "-q", "--format", "eve", str(capture)]
    if without:
        command[2:2] = ["--without", without]
    out = subprocess.run(command, capture_output=True, check=False).stdout
    events = (json.loads(line) for line in out.splitlines())
    return {
        event["flow_id"]: event["portstory"]["protocols"]
        for event in events
        if event["event_type"] == "flow"
    }


def compare(program, capture):
    """How many flows there are, and which names were taken by which."""
    whole = flows(program, capture)
    taken = collections.Counter()
    for left_out in sorted({name for names in whole.values() for name in names}):
        without = flows(program, capture, left_out)
        for flow, names in whole.items():
            now = without.get(flow, [])
            if left_out in names and set(now) - set(names):
                taken[(left_out, "+".join(now), capture.name)] += 1
    return len(whole), taken


def main():
    folder = pathlib.Path(sys.argv[1])
    program = sys.argv[2] if len(sys.argv) > 2 else "target/release/portstory"
    captures = sorted(path for path in folder.iterdir() if path.suffix in (".pcap", ".pcapng"))
    total, taken = 0, collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for count, found in pool.map(lambda path: compare(program, path), captures):
            total += count
            taken.update(found)
    wrong = true = 0
    for (left_out, now, name), count in taken.most_common():
        reason = TRUE_AS_WELL.get((left_out, now.split("+")[-1]))
        print(f"{count:5}  {left_out} left out: called {now} in {name}" + (f": {reason}" if reason else ""))
        if reason:
            true += count
        else:
            wrong += count
    print(f"{wrong} of {total} flows wrongly named: {wrong / max(1, total):.4f}; "
          f"{true} by a name that is true as well ({(wrong + true) / max(1, total):.4f} with them)")


main()
