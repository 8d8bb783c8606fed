"""An OpenAI-compatible server on the loopback that answers from a function, and goes wrong when told to.

Chat completions (streamed or not) and the list of models, nothing else; standard library only. It runs in a thread
with an event loop of its own, so that synchronous tests and agents on any loop can call it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .. import UsageError

Fault = Literal["latency", "rate_limit", "error", "hang", "drop", "truncate", "garbage", "wrong_model"]
"""What can go wrong: a slow answer, 429 with `Retry-After`, 500, no answer ever, the connection closed before the
answer or within it, a body that is not JSON, an answer by another model."""
FAULTS: tuple[Fault, ...] = get_args(Fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """Which request meets which fault."""

    script: Sequence[Fault | None] = ()
    """Of the first requests, in order; None is a good answer."""
    share: float = 0.0
    """Of the requests after the script, drawn by `seed`; the same seed and order of requests, the same faults."""
    kinds: Sequence[Fault] = FAULTS
    """What is drawn from."""
    seed: int = 0
    outage: tuple[int, int] = (0, 0)
    """Requests from the first number up to the second, counted from 0, all meet a 500."""
    latency_s: float = 0.05
    retry_after_s: float = 0.05
    hang_s: float = 3600.0
    """How long a request hangs before its connection is closed; the client hanging up ends it too."""

    def __post_init__(self) -> None:
        unknown = [name for name in (*self.script, *self.kinds) if name is not None and name not in FAULTS]
        if unknown:
            raise UsageError(f"unknown fault {unknown[0]!r}; there are: {', '.join(FAULTS)}")
        if not 0.0 <= self.share <= 1.0:
            raise UsageError(f"a share of faults of {self.share!r}: give 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One chat request, as it arrived."""

    model: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    fault: Fault | None


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    connections: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    most_at_once: int = 0


def echo(messages: Sequence[Mapping[str, Any]]) -> str:
    """Replies "Answer: " and the last message's last line."""
    lines = str(messages[-1].get("content", "")).strip().splitlines() if messages else []
    return f"Answer: {lines[-1] if lines else 'nothing'}"


class ModelServer:
    """`with ModelServer(...) as server:` serves at `server.url` until the block ends.

    Args:
        models: the names it knows; any other is a 404.
        reply: makes the answer's text from the request's messages.
        faults: what goes wrong; nothing unless said.
        remember: how many requests `seen` keeps; the counts count all.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        *,
        models: Sequence[str] = ("stub",),
        reply: Callable[[Sequence[Mapping[str, Any]]], str] = echo,
        faults: FaultPlan | None = None,
        remember: int = 1000,
        port: int = 0,
    ) -> None:
        self.models = tuple(models)
        self.faults = faults or FaultPlan()
        self.seen: deque[Seen] = deque(maxlen=remember)
        """The latest chat requests, oldest first."""
        self._reply = reply
        self._port = port
        self._counts = _Counts()
        self._random = random.Random(self.faults.seed)  # noqa: S311 - draws faults
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="model-server", daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()

    def __repr__(self) -> str:
        return f"ModelServer({self.url!r}, models={self.models!r}, requests={self.requests})"

    def __enter__(self) -> ModelServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def url(self) -> str:
        """The base URL to give a client, `/v1` included."""
        return f"http://127.0.0.1:{self._port}/v1"

    def model(self, name: str = "") -> str:
        """What to give an `Agent` for one of the models: `openai/NAME@URL`."""
        return f"openai/{name or self.models[0]}@{self.url}"

    @property
    def requests(self) -> int:
        """Chat requests that arrived whole."""
        return self._counts.requests

    @property
    def met(self) -> dict[str, int]:
        """How many requests met each fault."""
        return dict(self._counts.faults)

    @property
    def connections(self) -> int:
        """How many connections were opened."""
        return self._counts.connections

    @property
    def most_at_once(self) -> int:
        """Most chat requests under way at the same time."""
        return self._counts.most_at_once

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        finally:
            self._loop.close()

    async def _listen(self) -> None:
        connections: set[asyncio.Task[None]] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None  # noqa: S101 - asyncio runs this in a task
            connections.add(task)
            self._counts.connections += 1
            try:
                await self._converse(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the client went away, or the server ends
            finally:
                connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(accept, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection until either side closes it."""
        while True:
            request = await _read_request(reader)
            if request is None:
                return
            if request.path.endswith("/models"):
                listed = [{"id": name, "object": "model"} for name in self.models]
                await _send_json(writer, 200, {"object": "list", "data": listed})
            elif not request.path.endswith("/chat/completions"):
                await _send_json(writer, 404, _error(f"no such path: {request.path}"))
            elif not await self._chat(request, reader, writer):
                return

    async def _chat(
        self, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one chat request; False where the connection is to be closed."""
        counts = self._counts
        number, counts.requests = counts.requests, counts.requests + 1
        fault = self._fault(number)
        model = str(request.body.get("model", ""))
        self.seen.append(Seen(model=model, body=request.body, headers=request.headers, fault=fault))
        counts.faults.update([fault] if fault else [])
        counts.at_once += 1
        counts.most_at_once = max(counts.most_at_once, counts.at_once)
        try:
            if model not in self.models:
                await _send_json(writer, 404, _error(f"the model {model!r} does not exist"))
                return True
            return await self._answer(request.body, fault, reader, writer)
        finally:
            counts.at_once -= 1

    def _fault(self, number: int) -> Fault | None:
        plan = self.faults
        if number < len(plan.script):
            return plan.script[number]
        drawn = self._random.choice(plan.kinds) if self._random.random() < plan.share else None
        return "error" if plan.outage[0] <= number < plan.outage[1] else drawn

    async def _answer(
        self,
        body: Mapping[str, Any],
        fault: Fault | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        match fault:
            case "drop":
                return False
            case "hang":
                await _hang(reader, self.faults.hang_s)
                return False
            case "rate_limit":
                wait = {"retry-after": f"{self.faults.retry_after_s:g}"}
                await _send_json(writer, 429, _error("too many requests"), wait)
                return True
            case "error":
                await _send_json(writer, 500, _error("the server failed"))
                return True
            case "garbage":
                await _send(writer, 200, b'{"choices": [{"mess')
                return True
            case "latency":
                await asyncio.sleep(self.faults.latency_s)
            case _:
                pass
        name = str(body["model"]) if fault != "wrong_model" else "another-model"
        completion = _completion(name, self._reply(body.get("messages") or []), body.get("messages") or [])
        if body.get("stream"):
            return await _stream(writer, completion, cut=fault == "truncate")
        return await _send_json(writer, 200, completion, cut=fault == "truncate")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


async def _read_request(reader: asyncio.StreamReader) -> _Request | None:
    """The next request; None where the client is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    data = await reader.readexactly(int(headers.get("content-length", "0")))
    return _Request(path=first.split(" ")[1], headers=headers, body=json.loads(data) if data else {})


async def _hang(reader: asyncio.StreamReader, seconds: float) -> None:
    """Until the time is up or the client hangs up."""
    try:
        await asyncio.wait_for(reader.read(1), seconds)
    except TimeoutError:
        return


def _completion(model: str, text: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Token counts are word counts."""
    asked, said = sum(len(str(each.get("content")).split()) for each in messages), len(text.split())
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said},
    }


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "stub"}}


async def _send_json(
    writer: asyncio.StreamWriter,
    status: int,
    data: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    *,
    cut: bool = False,
) -> bool:
    return await _send(writer, status, json.dumps(data).encode(), headers, cut=cut)


async def _send(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    cut: bool = False,
) -> bool:
    """Whether the connection can go on: not after a body that was cut in half."""
    fields = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    writer.write(_head(status, fields) + (body[: len(body) // 2] if cut else body))
    await writer.drain()
    if cut:
        await _close(writer)
    return not cut


async def _stream(writer: asyncio.StreamWriter, completion: Mapping[str, Any], *, cut: bool) -> bool:
    """Server-sent events, a word each; cut, it ends after half of the words without saying so."""
    words = str(completion["choices"][0]["message"]["content"]).split(" ")
    pieces = [word if place == 0 else f" {word}" for place, word in enumerate(words)]
    events = [_chunk(completion, {"role": "assistant", "content": piece}) for piece in pieces]
    if cut:
        events = events[: len(events) // 2]
    else:
        events += [_chunk(completion, {}, "stop")]
        events += [{**_chunk(completion, {}), "choices": [], "usage": completion["usage"]}]
    writer.write(_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}))
    for data in [json.dumps(event) for event in events] + ([] if cut else ["[DONE]"]):
        line = f"data: {data}\n\n".encode()
        writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        await writer.drain()
    if not cut:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
    await _close(writer)
    return False


async def _close(writer: asyncio.StreamWriter) -> None:
    """What was written is sent first."""
    writer.close()
    await writer.wait_closed()


def _chunk(
    completion: Mapping[str, Any], delta: Mapping[str, Any], finish: str | None = None
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        **{key: completion[key] for key in ("id", "created", "model")},
        "object": "chat.completion.chunk",
        "choices": [choice],
    }


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def main() -> None:
    """Serve without faults until standard input ends; the URL is the first line of standard output."""
    with ModelServer(remember=1) as server:
        sys.stdout.write(server.url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
