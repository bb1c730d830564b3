#!/usr/bin/env python3
"""Moves the flows of captures to other ports: to see that a port decides no label.

`rewrite_ports.py server PORT IN OUT` gives the server's end of every UDP flow that port;
`rewrite_ports.py client PORT IN OUT` gives it to the client's end of every TCP and UDP flow, and
the server's end, where it is 3243 or that port, becomes 8443.

The server is who did not send the SYN, or where there is none the end with the port 3243, or else
the one that did not send first. Pcap files of Ethernet, Linux cooked and raw IP; other packets and
other link types stay as they are. Checksums are not made anew. Only the Python 3 standard library
is needed.
"""

import struct
import sys
from pathlib import Path

OURS, ELSEWHERE = 3243, 8443
TCP, UDP = 6, 17


def ip_start(link, frame):
    """Where the IP header is, behind VLAN tags; None where there is none."""
    if link in (101, 12, 228, 229):
        return 0
    at = {1: 12, 113: 14}.get(link)
    if at is None:
        return None
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at + 2 if frame[at : at + 2] in (b"\x08\x00", b"\x86\xdd") else None


def ports(link, frame):
    """Offset of the ports, protocol, addresses; None for what is not a first piece of TCP or UDP."""
    start = ip_start(link, frame)
    if start is None or len(frame) < start + 28:
        return None
    version = frame[start] >> 4
    if version == 4:
        if struct.unpack_from("!H", frame, start + 6)[0] & 0x1FFF:
            return None
        protocol, at = frame[start + 9], start + 4 * (frame[start] & 15)
        source, destination = frame[start + 12 : start + 16], frame[start + 16 : start + 20]
    elif version == 6:
        protocol, at = frame[start + 6], start + 40
        source, destination = frame[start + 8 : start + 24], frame[start + 24 : start + 40]
    else:
        return None
    if protocol not in (TCP, UDP) or len(frame) < at + 8:
        return None
    return at, protocol, source, destination


def records(octets):
    """The pcap file's order, link type, and `(offset, captured length)` of every packet."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<"}.get(octets[:4], ">")
    if octets[:4] not in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
        raise ValueError("not a pcap file")
    link = struct.unpack_from(order + "I", octets, 20)[0] & 0xFFFF
    found, at = [], 24
    while at + 16 <= len(octets):
        length = struct.unpack_from(order + "I", octets, at + 8)[0]
        found.append((at + 16, length))
        at += 16 + length
    return link, found


def rewrite(octets, which, port):
    """The file with other ports, and how many flows were changed."""
    link, packets = records(octets)
    out, servers, changed = bytearray(octets), {}, set()
    # First who is the server, then the ports: a SYN may come after stray packets.
    for decide in (True, False):
        for offset, length in packets:
            frame = octets[offset : offset + length]
            place = ports(link, frame)
            if place is None:
                continue
            at, protocol, source, destination = place
            one = (source, struct.unpack_from("!H", frame, at)[0])
            two = (destination, struct.unpack_from("!H", frame, at + 2)[0])
            flow = (protocol, *sorted((one, two)))
            if decide:
                syn = protocol == TCP and len(frame) > at + 13 and frame[at + 13] & 0x12
                if syn == 0x02:
                    servers[flow] = two
                elif syn == 0x12:
                    servers[flow] = one
                else:
                    servers.setdefault(flow, one if one[1] == OURS and two[1] != OURS else two)
                continue
            if which == "server" and protocol != UDP:
                continue
            server = servers[flow]
            for end, field in ((one, at), (two, at + 2)):
                if (end == server) == (which == "server"):
                    struct.pack_into("!H", out, offset + field, port)
                elif end[1] in (OURS, port):
                    struct.pack_into("!H", out, offset + field, ELSEWHERE)
            changed.add(flow)
    return bytes(out), len(changed)


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("server", "client"):
        print(__doc__, file=sys.stderr)
        return 2
    which, port, source, target = sys.argv[1:]
    octets, flows = rewrite(Path(source).read_bytes(), which, int(port))
    Path(target).write_bytes(octets)
    print(f"{target}: {flows} flows", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
