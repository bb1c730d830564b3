#!/usr/bin/env python3
"""Compares portstory with tshark on captures of yours, flow by flow on the ports as they are.

    tests/corpus.py DIR-OR-FILE... [--watched-only] [--portstory PROGRAM] [--jobs N] [--json FILE]

Compared are the packets of each 5-tuple (in tunnels, fragments and odd link types too; copies count once
each), who sent the first SYN, the protocol's name, server names, JA3, JA3S, HASSH of both ends, JA4 where
tshark has it (4.2 and later), and the Community ID. What differs is grouped by kind and counted, each with
the first flows it was seen in, so that the next fault is a command away. Neither is always right. All ports
that a capture has are watched, up to PORTS_MAX; `--watched-only` leaves it at the ports that are watched
without being asked.

Needs tshark and Python 3.11. Exits with 1 where packets that tshark finds are missed without a known reason.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMELOT = 3243
FRAMEHAWK = range(3224, 3325)

# What says which 5-tuples a frame has, and whether all of it is there.
PLACES = [
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
    "tcp.flags",
    "_ws.malformed",
    "frame.len",
    "frame.cap_len",
]

# A fact of a flow: tshark's fields for it, and where it stands in EVE.
FACTS = {
    "server name": (
        ["tls.handshake.extensions_server_name"],
        ["tls.sni", "quic.sni", "portstory.dtls.sni"],
    ),
    "JA3": (
        ["tls.handshake.ja3", "dtls.handshake.ja3"],
        ["tls.ja3.hash", "quic.ja3.hash", "portstory.dtls.ja3.hash"],
    ),
    "JA3S": (
        ["tls.handshake.ja3s", "dtls.handshake.ja3s"],
        ["tls.ja3s.hash", "quic.ja3s.hash", "portstory.dtls.ja3s.hash"],
    ),
    "JA4": (
        ["tls.handshake.ja4", "dtls.handshake.ja4"],
        ["tls.ja4", "quic.ja4", "portstory.dtls.ja4"],
    ),
    "HASSH": (["ssh.kex.hassh"], ["ssh.client.hassh.hash"]),
    "HASSH of the server": (["ssh.kex.hasshserver"], ["ssh.server.hassh.hash"]),
    "Community ID": (["communityid"], ["community_id"]),
}

# Ports on a command line.
PORTS_MAX = 3000

# Flows of a kind of difference that are shown.
SHOWN_MAX = 3

# tshark's layers by our names, where letters and digits are not the same.
NAMES = {
    "bacapp": "bacnet", "btdht": "bittorrentdht", "bvlc": "bacnet", "cflow": "netflow", "classicstun": "stun",
    "dblspdisc": "dropboxlansync", "gquic": "quic", "isakmp": "ike", "kerberos": "krb5", "llmnr": "dns",
    "mbtcp": "modbus", "mdns": "dns", "mojito": "gnutella", "nbdgm": "netbiosdgm", "nbns": "netbiosns",
    "pgsql": "postgresql", "rpc": "sunrpc", "srvloc": "slp", "ssl": "tls", "vnc": "rfb", "wg": "wireguard",
    "zbxd": "zabbix",
}  # fmt: skip

# Layers that name no protocol of their own.
NO_NAMES = {"data", "vssmonitoring", "communityid", "tcp.segments"}


class Unreadable(Exception):
    pass


def run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


def socket(address: str, port: int) -> tuple:
    address = ip_address(address)
    return (address.version, address.packed.hex(), port)


class Frame:
    """One line of tshark: its layers, each with the values that belong to it."""

    def __init__(self, fields: list[str], line: str):
        values = dict(zip(fields, line.rstrip("\n").split("\t")))
        self.number = values["frame.number"]
        self.layers = values["frame.protocols"].split(":")
        self.malformed = bool(values["_ws.malformed"])
        self.cut = values["frame.len"] != values["frame.cap_len"]
        self.values = values
        self.lists = {name: values[name].split(",") if values[name] else [] for name in fields}

    def take(self, name: str) -> str | None:
        values = self.lists[name]
        return values.pop(0) if values else None

    def packets(self):
        """5-tuples in the frame with sender and TCP's flags, outermost first; what an ICMP error quotes is none."""
        addresses, quoted = None, False
        for layer in self.layers:
            if layer in ("ip", "ipv6"):
                addresses = self.take(f"{layer}.src"), self.take(f"{layer}.dst")
            elif layer in ("icmp", "icmpv6"):
                quoted = True
            elif layer in ("tcp", "udp"):
                ports = self.take(f"{layer}.srcport"), self.take(f"{layer}.dstport")
                flags = int(self.take("tcp.flags") or "0", 16) if layer == "tcp" else 0
                if quoted or not addresses or None in addresses or None in ports:
                    continue
                sender, receiver = (socket(a, int(p)) for a, p in zip(addresses, ports))
                yield (layer, *sorted((sender, receiver))), sender, flags

    def name(self) -> str | None:
        """The layer behind the last of TCP and UDP."""
        last = max((at for at, layer in enumerate(self.layers) if layer in ("tcp", "udp")), default=None)
        behind = self.layers[last + 1 : last + 2] if last is not None else []
        return next((layer for layer in behind if layer not in NO_NAMES), None)


def tshark(capture: Path, fields: list[str], options: list[str]) -> list[Frame]:
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=a", *options]
    for field in fields:
        command += ["-e", field]
    result = run(command)
    lines = result.stdout.splitlines()
    if not lines and result.returncode:
        raise Unreadable(result.stderr.strip().splitlines()[-1:] or ["?"])
    return [Frame(fields, line) for line in lines if line.count("\t") == len(fields) - 1]


def known_fields() -> set[str]:
    lines = run(["tshark", "-G", "fields"]).stdout.splitlines()
    # The Community ID is shown by the protocol of its name.
    return {line.split("\t")[2] for line in lines if line.startswith(("F\t", "P\t"))}


class Flow:
    """What one of the two says of a 5-tuple."""

    def __init__(self):
        self.packets, self.opener, self.names = 0, None, set()
        self.facts = defaultdict(set)
        self.frames = []


def seen_by_tshark(capture: Path, known: set[str]) -> dict[tuple, Flow]:
    flows = defaultdict(Flow)
    single = ["-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE"]
    for frame in tshark(capture, PLACES, single):
        for key, sender, flags in frame.packets():
            flow = flows[key]
            flow.packets += 1
            flow.frames.append(frame)
            if flags & 0x12 == 0x02 and flow.opener is None:
                flow.opener = sender
    fields = [field for theirs, _ in FACTS.values() for field in theirs if field in known]
    for frame in tshark(capture, PLACES + fields, ["--enable-protocol", "communityid"]):
        keys = [key for key, *_ in frame.packets()]
        if not keys or keys[-1] not in flows:
            continue
        flow = flows[keys[-1]]
        flow.names.update(filter(None, [frame.name()]))
        for fact, (theirs, _) in FACTS.items():
            # Of a tunnel's frame it is not said whose Community ID it is.
            if fact != "Community ID" or frame.layers.count("ip") + frame.layers.count("ipv6") == 1:
                flow.facts[fact].update(*(frame.values[field].split(",") for field in theirs if frame.values.get(field)))
    return flows


def member(event: dict, path: str):
    for name in path.split("."):
        event = event.get(name) if isinstance(event, dict) else None
    return event


def seen_by_portstory(program: str, capture: Path, ports: list[int]) -> tuple[dict[tuple, Flow], list[str]]:
    command = [program, "read", "--format", "eve", str(capture)]
    for port in ports:
        command += ["--port", str(port)]
    result = run(command)
    flows, anomalies = defaultdict(Flow), []
    for event in map(json.loads, result.stdout.splitlines()):
        if event["event_type"] == "anomaly":
            anomalies.append(f"{event['anomaly']['event']} x{event['portstory']['count']}")
        if event["event_type"] != "flow":
            continue
        client, server = (socket(event[f"{end}_ip"], event[f"{end}_port"]) for end in ("src", "dest"))
        flow, story = flows[(event["proto"].lower(), *sorted((client, server)))], event["portstory"]
        counts = event["flow"]
        flow.packets += counts["pkts_toserver"] + counts["pkts_toclient"]
        flow.packets += story["visibility"].get("duplicates", 0)
        if flow.opener is None and story["roles"]["basis"] == "handshake":
            flow.opener = client
        flow.names.update(story["protocols"])
        for fact, (_, ours) in FACTS.items():
            flow.facts[fact].update(filter(None, (member(event, path) for path in ours)))
    if result.returncode not in (0, 1):
        anomalies.append(result.stderr.strip().splitlines()[-1] if result.stderr else "failed")
    return flows, anomalies


def show(key: tuple) -> str:
    transport, *sockets = key
    shown = [f"{ip_address(bytes.fromhex(packed))} {port}" for _, packed, port in sockets]
    return f"{transport} {' - '.join(shown)}"


# What carries copies of packets without being a tunnel: nobody's flow goes through it.
NO_TUNNELS = {"openflow", "openflow_v1", "openflow_v4", "sflow"}


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


def plain(name: str) -> str:
    name = "".join(letter for letter in name.lower() if letter.isalnum())
    return NAMES.get(name, name)


def differences(theirs: Flow, ours: Flow, known: set[str]):
    """Kinds of what differs, each with what is said of it."""
    if theirs.packets != ours.packets:
        kind = "packets missed" if theirs.packets > ours.packets else "packets that tshark does not find"
        yield kind, f"tshark {theirs.packets}, portstory {ours.packets}"
    if not ours.packets or not theirs.packets:
        return
    if theirs.opener and ours.opener and theirs.opener != ours.opener:
        yield "who sent the first SYN", f"portstory: port {ours.opener[2]}"
    elif theirs.opener and not ours.opener:
        yield "a SYN that decides no roles", f"from port {theirs.opener[2]}"
    for fact, (fields, _) in FACTS.items():
        one, other = theirs.facts[fact], ours.facts[fact]
        # A flow is told once; what is said again in it stays untold.
        if known.isdisjoint(fields) or (other and other <= one) or one == other:
            continue
        if fact == "Community ID" and not one:
            continue
        kind = "missed" if not other else "another" if one else "told by portstory alone"
        yield f"{fact}: {kind}", f"tshark {sorted(one)[:2]}, portstory {sorted(other)[:2]}"
    theirs_named, ours_named = {plain(name) for name in theirs.names}, {plain(name) for name in ours.names}
    if theirs_named and theirs_named.isdisjoint(ours_named):
        words = "/".join(sorted(theirs.names)), "/".join(sorted(ours.names)) or "nothing"
        yield f"name: tshark {words[0]}, portstory {words[1]}", ""
    elif ours_named and not theirs_named:
        yield f"name: tshark nothing, portstory {'/'.join(sorted(ours.names))}", ""


def compare(program: str, capture: Path, watched_only: bool, known: set[str]) -> dict:
    theirs = seen_by_tshark(capture, known)
    ports = {TIMELOT}
    if not watched_only:
        seen = Counter()
        for (_, *sockets), flow in theirs.items():
            seen.update({port: flow.packets for *_, port in sockets})
        ports |= {port for port, _ in seen.most_common(PORTS_MAX) if port}

    def watched(key: tuple) -> bool:
        return any(p in ports or (key[0] == "udp" and p in FRAMEHAWK) for *_, p in key[1:])

    ours, anomalies = seen_by_portstory(program, capture, sorted(ports))
    told, total, found = [], 0, 0
    for key in sorted(filter(watched, theirs.keys() | ours.keys())):
        one, other = theirs[key], ours[key]
        total += one.packets
        found += min(one.packets, other.packets)
        for kind, words in differences(one, other, known):
            is_missed = kind == "packets missed"
            told.append({
                "kind": kind,
                "flow": show(key),
                "words": words,
                "frames": [int(frame.number) for frame in one.frames[:5]],
                "layers": Counter(":".join(frame.layers) for frame in one.frames).most_common(2),
                "known": reasons(one.frames, anomalies) if is_missed else [],
            })
    return {"packets": total, "found": found, "flows": sum(map(watched, theirs)), "differences": told}


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
    parser.add_argument("--watched-only", action="store_true")
    parser.add_argument("--portstory", default=str(ROOT / "target/debug/portstory"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="write all differences to this file")
    arguments = parser.parse_args()
    known = known_fields()
    without = [fact for fact, (theirs, _) in FACTS.items() if known.isdisjoint(theirs)]
    kinds, packets, found, flows, unexplained = defaultdict(list), 0, 0, 0, 0

    def one(capture: Path):
        try:
            return capture, compare(arguments.portstory, capture, arguments.watched_only, known)
        except Unreadable as error:
            return capture, str(error)

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for capture, result in pool.map(one, captures(arguments.paths)):
            if isinstance(result, str):
                print(f"{capture}: tshark cannot read it: {result}")
                continue
            packets, found, flows = packets + result["packets"], found + result["found"], flows + result["flows"]
            for difference in result["differences"]:
                kinds[difference["kind"]].append({"capture": str(capture), **difference})
                unexplained += difference["kind"] == "packets missed" and not difference["known"]
    for kind, told in sorted(kinds.items(), key=lambda entry: -len(entry[1])):
        print(f"{len(told):6} {kind}")
        for difference in told[:SHOWN_MAX]:
            print(f"       {difference['capture']}: {difference['flow']} {difference['words']}")
            for reason in difference["known"]:
                print(f"         {reason}")
    print(f"{found} of {packets} packets of {flows} flows that tshark finds are found by portstory")
    print(f"flows of which some are missed without a known reason: {unexplained}")
    if without:
        print(f"this tshark does not know: {', '.join(without)}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(kinds, indent=1))
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
