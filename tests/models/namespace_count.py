"""Runs a command in this network namespace, which has no route out, and prints how many packets wanted one.

Run as `unshare --net --map-root-user python namespace_count.py FILE COMMAND…`; the count goes to FILE. It is the
kernel's own, so that it also sees sockets that are not Python's.
"""

from __future__ import annotations

import fcntl
import socket
import struct
import subprocess
import sys
from pathlib import Path

SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x49


def main() -> int:
    _raise_loopback()
    before = _without_route()
    done = subprocess.run(sys.argv[2:], check=False)
    Path(sys.argv[1]).write_text(str(_without_route() - before))
    return done.returncode


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SET_FLAGS, struct.pack("16sH14s", b"lo", UP_AND_RUNNING, b""))


def _without_route() -> int:
    names, values = (
        row.split() for row in Path("/proc/net/snmp").read_text().splitlines() if row.startswith("Ip:")
    )
    six = dict(row.split() for row in Path("/proc/net/snmp6").read_text().splitlines())
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"]) + int(six.get("Ip6OutNoRoutes", 0))


if __name__ == "__main__":
    sys.exit(main())
