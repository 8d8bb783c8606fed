"""Tries to leave this machine in every way Python has, and prints which ways succeeded or were not refused as such.

Run as `python air_gap_attempts.py [sealed|open]`; the network itself is expected to lead nowhere.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable

import httpx

from pilotfish.models import air_gap

AWAY = "192.0.2.1"  # RFC 5737: documentation only
AWAY6 = "2001:db8::1"  # RFC 3849


def connect(family: int, kind: int, address: tuple[object, ...]) -> None:
    with socket.socket(family, kind) as opened:
        opened.settimeout(0.2)
        opened.connect(address)


def connect_ex() -> None:
    with socket.socket() as opened:
        opened.settimeout(0.2)
        code = opened.connect_ex((AWAY, 80))
    raise OSError(code, "connect_ex")


def send(address: tuple[object, ...], method: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        if method == "sendto":
            opened.sendto(b"x", address)
        else:
            opened.sendmsg([b"x"], [], 0, address)


def in_a_thread() -> None:
    raised: list[BaseException] = []

    def work() -> None:
        try:
            connect(socket.AF_INET, socket.SOCK_STREAM, (AWAY, 80))
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def by_requests() -> None:
    import requests

    requests.get(f"http://{AWAY}/", timeout=0.2)


def by_chroma() -> None:
    import chromadb

    chromadb.HttpClient(host=AWAY)


def by_openai() -> None:
    import openai

    openai.OpenAI(base_url=f"http://{AWAY}/v1", api_key="none", max_retries=0, timeout=0.2).models.list()


def by_langsmith() -> None:
    import langsmith

    langsmith.Client(api_url=f"http://{AWAY}", api_key="none").request_with_retries(
        "GET", "/info", stop_after_attempt=1
    )


def by_otlp() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(
        SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"http://{AWAY}/v1/traces", timeout=0.2))
    )
    with provider.get_tracer("t").start_as_current_span("s"):
        pass
    provider.shutdown()
    raise OSError("exported, or not: the kernel's counter tells")


def by_hub() -> None:
    from huggingface_hub import HfApi

    HfApi().model_info("WeiboAI/VibeThinker-3B", timeout=0.2)


async def by_asyncio() -> None:
    await asyncio.wait_for(asyncio.open_connection(AWAY, 80), 0.2)


ATTEMPTS: dict[str, Callable[[], object]] = {
    "tcp": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, (AWAY, 80)),
    "tcp6": lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, (AWAY6, 80, 0, 0)),
    "mapped": lambda: connect(socket.AF_INET6, socket.SOCK_STREAM, (f"::ffff:{AWAY}", 80, 0, 0)),
    "udp": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, (AWAY, 53)),
    "name": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("example.com", 80)),
    "number": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("3221225985", 80)),
    "connect_ex": connect_ex,
    "sendto": lambda: send((AWAY, 53), "sendto"),
    "sendmsg": lambda: send((AWAY, 53), "sendmsg"),
    "dns": lambda: socket.getaddrinfo("example.com", 443),
    "gethostbyname": lambda: socket.gethostbyname("example.com"),
    "lookalike": lambda: socket.getaddrinfo("localhost.example.com", 443),
    "thread": in_a_thread,
    "create_connection": lambda: socket.create_connection((AWAY, 80), timeout=0.2),
    "asyncio": lambda: asyncio.run(by_asyncio()),
    "httpx": lambda: httpx.get(f"http://{AWAY}/", timeout=0.2),
    "urllib": lambda: urllib.request.urlopen(f"http://{AWAY}/", timeout=0.2),
    "requests": by_requests,
    "chroma": by_chroma,
    "openai": by_openai,
    "langsmith": by_langsmith,
    "otlp": by_otlp,
    "hub": by_hub,
}


def loopback_still_works() -> bool:
    """TCP by address and by name, UDP, a Unix socket pair and a child process."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            socket.create_connection((host, port), timeout=5).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
            opened.sendto(b"x", ("127.0.0.1", port))
    one, other = socket.socketpair()
    one.close()
    other.close()
    return subprocess.run([sys.executable, "-c", ""], check=False).returncode == 0


def main() -> None:
    logging.disable(logging.CRITICAL)
    if sys.argv[1] == "sealed":
        air_gap.seal()
        air_gap.seal()
    got_out: list[str] = []
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except Exception:  # noqa: BLE001 - whatever a client makes of the refusal
            pass
        else:
            got_out.append(name)
    print(
        json.dumps(
            {"got_out": got_out, "refused": air_gap.refused_connections(), "loopback": loopback_still_works()}
        )
    )


if __name__ == "__main__":
    main()
