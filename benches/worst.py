#!/usr/bin/env python3
"""What the worst captures cost: processor time a packet and memory, each printed and held to a bound.

    benches/worst.py [--us MICROSECONDS] [--mib MEBIBYTES] [NAME...]

`fixtures/make/worst.py` makes the captures, each of which aims at what is dear; their names choose among
them. Each is read once as EVE, at the default settings. Above 10 microseconds a packet, the end of the
run included, or above the default memory (256 MiB, and 64 MiB for the program, its buffers and what
waits to be written), it ends with 1. PORTSTORY names the program, else it is built.
"""

import argparse
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def packets(capture: Path) -> int:
    count, at = 0, 24
    with capture.open("rb") as file:
        file.seek(at)
        while header := file.read(16):
            file.seek(struct.unpack_from("<I", header, 8)[0], os.SEEK_CUR)
            count += 1
    return count


def read(program: str, capture: Path) -> tuple:
    """Seconds of the processor, the most memory at one time in MiB, and how it ended."""
    command = [program, "read", "--quiet", "--format", "eve", str(capture)]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, run.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--us", type=float, default=10.0, help="bound of a packet's time")
    parser.add_argument("--mib", type=float, default=320.0, help="bound of the memory")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args()
    program = os.environ.get("PORTSTORY")
    if not program:
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
        program = str(ROOT / "target/release/portstory")
    is_above = False
    print(f"{'capture':<16} {'packets':>8} {'CPU s':>7} {'us/packet':>9} {'MiB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        maker = [sys.executable, str(ROOT / "fixtures/make/worst.py"), "--out", folder]
        subprocess.run(maker + args.names, check=True)
        for capture in sorted(Path(folder).iterdir()):
            count = packets(capture)
            seconds, mib, code = read(program, capture)
            micros = seconds * 1e6 / count
            fails = micros > args.us or mib > args.mib or code != 0
            is_above |= fails
            print(
                f"{capture.stem:<16} {count:>8,} {seconds:>7.2f} {micros:>9.2f} {mib:>6.0f}"
                + ("  ABOVE" if fails else ""),
                flush=True,
            )
    return int(is_above)


if __name__ == "__main__":
    sys.exit(main())
