"""The llama.cpp server inside this process: one for each weights file, with slots that work at once.

It turns a request into chunks handed to a function, and can be told to stop. It knows nothing of LangChain.
"""

from __future__ import annotations

import atexit
import importlib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .local_chat import EngineError, Ticket
from .manifest import WeightsError

ChunkSink = Callable[[dict[str, Any] | EngineError | None], None]
"""Takes each chunk as it comes, an error if there is one, and None at the end."""

_BATCH = 512
_PROMPT_CACHE_MIB = 256
_SILENT = -1
_LEAST_CONTEXT = 2048
_servers: dict[tuple[int, str], LlamaServer] = {}
_lock = threading.Lock()


class LlamaServer:
    """One loaded GGUF file. `slots` requests are worked on at once, later ones wait their turn."""

    def __init__(self, path: Path, *, threads: int, slots: int, context: int) -> None:
        self._server = _load(path, threads, slots, context)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="llama")

    def __repr__(self) -> str:
        return f"LlamaServer({self.address!r})"

    @property
    def address(self) -> str:
        """Base URL of its OpenAI-compatible loopback endpoint, without `/v1`."""
        return str(self._server.listening_address)

    def start(self, request: Mapping[str, Any], sink: ChunkSink, ticket: Ticket) -> None:
        """Hand the request to a worker and return. Nothing is reported once the ticket is stopped."""
        self._pool.submit(self._work, dict(request), sink, ticket)

    def close(self) -> None:
        """Stop the workers and free the memory."""
        self._pool.shutdown(cancel_futures=True)
        del self._server

    def _work(self, request: dict[str, Any], sink: ChunkSink, ticket: Ticket) -> None:
        def report(event: dict[str, Any] | EngineError | None) -> bool:
            if not ticket.stopped:
                sink(event)
            return ticket.stopped

        try:
            if not ticket.stopped:
                self._server.handle_chat_completions(request, report)
        except (RuntimeError, ValueError) as error:
            report(EngineError(f"llama.cpp refused the request: {error}"))
        finally:
            report(None)
            ticket.done.set_result(None)


def shared_server(path: Path, *, threads: int | None, slots: int, context: int) -> LlamaServer:
    """The server of this weights file in this process, loaded on the first call; its first settings stay."""
    key = (os.getpid(), str(path.resolve()))
    with _lock:
        if key not in _servers:
            cores = _cores()
            workers = min(threads or cores, cores)  # more threads than cores slow llama.cpp down twenty times
            _servers[key] = LlamaServer(
                path, threads=workers, slots=slots, context=max(context, _LEAST_CONTEXT)
            )
        return _servers[key]


@atexit.register
def close_servers() -> None:
    """Close every server of this process."""
    with _lock:
        for key in [key for key in _servers if key[0] == os.getpid()]:
            _servers.pop(key).close()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load(path: Path, threads: int, slots: int, context: int) -> Any:
    # libgomp reads this once, when it is loaded. Spinning threads stall for as long as another process has their
    # core: beside a busy one, 29 tokens/s with spinning, 130 to 190 without, and no loss on an idle machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    xllamacpp: Any = importlib.import_module("xllamacpp")  # a compiled module without type stubs
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context * slots
    params.n_parallel = slots
    params.n_batch = _BATCH  # a stop is noticed between batches, so a long prompt must not be one batch
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.verbosity = _SILENT
    try:
        return xllamacpp.Server(params)
    except RuntimeError as error:
        raise WeightsError(f"llama.cpp cannot load {str(path)!r}: {error}", reason="altered") from error
