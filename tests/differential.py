#!/usr/bin/env python3
"""Lists what tshark finds in captures and portstory does not, flow by flow.

    tests/differential.py DIR-OR-FILE... [--every-port] [--portstory PROGRAM] [--jobs N] [--json FILE]

Every TCP or UDP packet that has a watched port, in tunnels, fragments and odd link types too, is
counted by file and 5-tuple, once by tshark (its reassembly on) and once by portstory (packets and
copies together). What differs, either way, is listed with what is known of the reason. `--every-port` watches, in
each capture, all ports that tshark finds in it: captures without port 3243 tell something too.

Needs tshark and Python 3.11. Exits with 1 where there is a difference without a reason.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMELOT = 3243
FRAMEHAWK = range(3224, 3325)

FIELDS = [
    "frame.number",
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "udp.srcport",
    "udp.dstport",
    "tcp.srcport",
    "tcp.dstport",
    "_ws.malformed",
    "frame.len",
    "frame.cap_len",
]

# Ports on a command line.
PORTS_MAX = 3000


class Unreadable(Exception):
    pass


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def ends(transport: str, source: tuple, destination: tuple) -> tuple:
    return (transport, *sorted((source, destination)))


class Frame:
    """One line of tshark: its layers, each with the values that belong to it."""

    def __init__(self, line: str):
        values = dict(zip(FIELDS, line.rstrip("\n").split("\t")))
        self.number = values["frame.number"]
        self.layers = values["frame.protocols"].split(":")
        self.malformed = bool(values["_ws.malformed"])
        self.cut = values["frame.len"] != values["frame.cap_len"]
        self.lists = {name: values[name].split(",") if values[name] else [] for name in FIELDS}

    def take(self, name: str) -> str | None:
        values = self.lists[name]
        return values.pop(0) if values else None

    def packets(self):
        """5-tuples in the frame, outermost first; what an ICMP error quotes is none."""
        addresses, quoted = None, False
        for layer in self.layers:
            if layer in ("ip", "ipv6"):
                addresses = self.take(f"{layer}.src"), self.take(f"{layer}.dst")
            elif layer in ("icmp", "icmpv6"):
                quoted = True
            elif layer in ("tcp", "udp"):
                ports = self.take(f"{layer}.srcport"), self.take(f"{layer}.dstport")
                if quoted or not addresses or None in addresses or None in ports:
                    continue
                sockets = [(ip_address(a), int(p)) for a, p in zip(addresses, ports)]
                yield ends(layer, *((a.version, a.packed.hex(), p) for a, p in sockets))


def tshark(capture: Path) -> list[Frame]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=a"]
    command += ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE"]
    for field in FIELDS:
        command += ["-e", field]
    result = run(command)
    lines = result.stdout.splitlines()
    if not lines and result.returncode:
        raise Unreadable(result.stderr.strip().splitlines()[-1:] or ["?"])
    return [Frame(line) for line in lines if line.count("\t") == len(FIELDS) - 1]


def portstory(program: str, capture: Path, ports: list[int]) -> tuple[Counter, list[str]]:
    command = [program, "read", "--format", "eve", str(capture)]
    for port in ports:
        command += ["--port", str(port)]
    result = run(command)
    found, anomalies = Counter(), []
    for line in result.stdout.splitlines():
        event = json.loads(line)
        if event["event_type"] == "anomaly":
            anomalies.append(f"{event['anomaly']['event']} x{event['portstory']['count']}")
        if event["event_type"] != "flow":
            continue
        sockets = [(event[f"{end}_ip"], event[f"{end}_port"]) for end in ("src", "dest")]
        sockets = [(ip_address(address), port) for address, port in sockets]
        key = ends(event["proto"].lower(), *((a.version, a.packed.hex(), p) for a, p in sockets))
        flow = event["flow"]
        copies = event["portstory"]["visibility"].get("duplicates", 0)
        found[key] += flow["pkts_toserver"] + flow["pkts_toclient"] + copies
    if result.returncode not in (0, 1):
        anomalies.append(result.stderr.strip().splitlines()[-1] if result.stderr else "failed")
    return found, anomalies


def show(key: tuple) -> str:
    transport, *sockets = key
    shown = [f"{ip_address(bytes.fromhex(packed))} {port}" for _, packed, port in sockets]
    return f"{transport} {' - '.join(shown)}"


# What carries copies of packets without being a tunnel: nobody's flow goes through it.
NO_TUNNELS = {"openflow", "openflow_v1", "openflow_v4", "sflow", "tzsp"}


def reasons(frames: list[Frame], anomalies: list[str]) -> list[str]:
    """What is known of frames that hold packets that were not found."""
    known = [f"portstory: {anomaly}" for anomaly in anomalies]
    if not frames:
        return known
    for carrier in sorted(NO_TUNNELS.intersection(*(frame.layers for frame in frames))):
        known.append(f"copies of packets in {carrier}, which is no tunnel")
    if all(frame.cut for frame in frames):
        known.append("the snap length cut all of these frames")
    if all(frame.malformed for frame in frames):
        known.append("tshark calls all of these frames malformed")
    return known


def compare(program: str, capture: Path, every_port: bool) -> dict:
    frames = tshark(capture)
    packets = [(frame, key) for frame in frames for key in frame.packets()]
    ports = {TIMELOT}
    if every_port:
        seen = Counter(port for _, (_, *sockets) in packets for *_, port in sockets)
        ports |= {port for port, _ in seen.most_common(PORTS_MAX) if port}

    def watched(key: tuple) -> bool:
        return any(p in ports or (key[0] == "udp" and p in FRAMEHAWK) for *_, p in key[1:])

    theirs, where = Counter(), {}
    for frame, key in packets:
        if watched(key):
            theirs[key] += 1
            where.setdefault(key, []).append(frame)
    ours, anomalies = portstory(program, capture, sorted(ports))
    differences = []
    for key in sorted(theirs.keys() | ours.keys()):
        if theirs[key] == ours[key]:
            continue
        inside = where.get(key, [])
        differences.append({
            "flow": show(key),
            "tshark": theirs[key],
            "portstory": ours[key],
            "frames": [int(frame.number) for frame in inside[:5]],
            "layers": Counter(":".join(frame.layers) for frame in inside).most_common(2),
            "known": reasons(inside, anomalies),
            "missed": theirs[key] > ours[key],
        })
    found = sum(min(theirs[key], ours[key]) for key in theirs)
    return {"packets": theirs.total(), "found": found, "differences": differences}


def captures(paths: list[str]) -> list[Path]:
    found = []
    for path in map(Path, paths):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        endings = (".pcap", ".pcapng", ".cap")
        found += [file for file in inside if file.is_file() and file.suffix in endings]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--every-port", action="store_true")
    parser.add_argument("--portstory", default=str(ROOT / "target/debug/portstory"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="write all differences to this file")
    arguments = parser.parse_args()
    total, found, missed, unexplained, everything = 0, 0, 0, 0, {}

    def one(capture: Path):
        try:
            return capture, compare(arguments.portstory, capture, arguments.every_port)
        except Unreadable as error:
            return capture, str(error)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for capture, result in pool.map(one, captures(arguments.paths)):
            if isinstance(result, str):
                print(f"{capture}: tshark cannot read it: {result}")
                continue
            total += result["packets"]
            found += result["found"]
            if not result["differences"]:
                continue
            everything[str(capture)] = result["differences"]
            print(f"{capture}:")
            for difference in result["differences"]:
                counts = f"tshark {difference['tshark']}, portstory {difference['portstory']}"
                print(f"  {difference['flow']}: {counts}, frames {difference['frames']}")
                for layers, count in difference["layers"]:
                    print(f"    {count} x {layers}")
                for reason in difference["known"]:
                    print(f"    {reason}")
                missed += difference["missed"]
                unexplained += difference["missed"] and not difference["known"]
    print(f"{found} of {total} packets that tshark finds are found by portstory")
    print(f"it misses some of {missed} flows, of {unexplained} without a known reason")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(everything, indent=1))
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
