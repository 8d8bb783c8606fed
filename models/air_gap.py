"""Air-gapped mode: from `seal()` on, this process refuses every connection that is not to itself.

It stands at Python's own sockets, below every HTTP client, SDK and tracer, as an audit hook, which nothing can take out
again. Code that brings sockets of its own (an extension in C or Rust, a child process) is not seen; a network namespace
without routes holds those too (docs/data-policy.md).
"""

from __future__ import annotations

import functools
import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from .. import UnavailableError

_CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_RESOLVING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "PIP_NO_INDEX": "1",
}
"""What the hub's libraries and a child's pip read, so that they say "offline" rather than fail."""


class AirGapError(UnavailableError, OSError):
    """A connection that air-gapped mode refused; an `OSError`, so that every HTTP client handles it as one."""

    def __str__(self) -> str:
        return str(self.args[0])


class _Gap:
    sealed = False
    refused = 0


def seal() -> None:
    """Refuse connections beyond the loopback, for the rest of this process. Calling it again changes nothing."""
    if not _Gap.sealed:
        _Gap.sealed = True
        os.environ.update(_OFFLINE)
        sys.addaudithook(_watch)
        for name in ("connect", "connect_ex", "sendto", "sendmsg"):
            setattr(socket.socket, name, _checked(getattr(socket.socket, name)))


def is_sealed() -> bool:
    """Whether `seal` was called in this process."""
    return _Gap.sealed


def refused_connections() -> int:
    """How many connections and look-ups were refused so far."""
    return _Gap.refused


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in _CONNECTING:
        address: object = args[1]
        if (
            isinstance(address, tuple)
            and address
            and not stays_here(str(cast("tuple[Any, ...]", address)[0]))
        ):
            _refuse(f"a connection to {address!r}")
    elif event in _RESOLVING:
        host = args[0][0] if isinstance(args[0], tuple) else args[0]
        if host is not None and not stays_here(_text(host)):
            _refuse(f"looking up {_text(host)!r}")


def _checked(method: Callable[..., Any]) -> Callable[..., Any]:
    """A socket's method that looks at the host first: the audit event comes only after a name was looked up."""

    @functools.wraps(method)
    def checked(self: socket.socket, *args: Any) -> Any:
        for each in args:
            if isinstance(each, tuple) and each and isinstance(each[0], str):
                _watch("socket.connect", (self, each))
        return method(self, *args)

    return checked


def _refuse(what: str) -> None:
    _Gap.refused += 1
    raise AirGapError(
        f"air-gapped mode refuses {what}: only this machine's loopback may be reached. "
        "Name a local model or endpoint, or unset PILOTFISH_AIR_GAPPED"
    )


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def stays_here(host: str) -> bool:
    """Whether an address is of this machine: a loopback address, or the name that stands for it."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host.rstrip(".").lower() == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
