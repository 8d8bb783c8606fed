"""What the client boundary costs: one call through it against a plain POST of the same JSON to the same server.

All ways are interleaved in one run, on kept connections, against a server in a process of its own that answers at
once. What `langchain-openai` alone costs stands beside it, so that one sees whose overhead it is.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
from langchain_core.language_models import BaseChatModel

from ..agents.budget import Meter
from ..agents.caller import Caller, Model
from ..agents.codec import to_json
from ..models.calling import Calling
from ..models.client import ModelClient
from ..models.load import load_chat
from ..models.settings import load_settings
from ..models.spec import ModelSpec
from ..prompts import RenderedPrompt
from ..tracing.call import Call, CallContext
from ..tracing.ledger import Ledger
from .bench import Report

_ROUNDS, _WARM_UP = 400, 30
_PROMPT = RenderedPrompt(name="bench", version="1", messages=(("user", "What is the capital of Japan?"),))
_CONTEXT = CallContext(data_classes=("public",))
_NAMES = {
    "plain": "httpx, plain POST",
    "langchain": "langchain-openai alone",
    "engine": "the `openai` engine alone",
    "client": "`ModelClient`: policy, guard, record",
    "caller": "`Caller`: budget, and the call and its content in the ledger",
}

Way = Callable[[], Awaitable[Any]]


def run(data: Path | None, /) -> Report:  # noqa: ARG001 - needs no data
    """Median of interleaved rounds, after a warm-up."""
    command = [sys.executable, "-m", "pilotfish.testing.model_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None  # noqa: S101 - they are pipes
        assert server.stdout is not None  # noqa: S101
        url = server.stdout.readline().strip()
        try:
            medians = asyncio.run(_medians(url, _ROUNDS))
        finally:
            server.stdin.close()
    return report(medians)


def report(medians: Mapping[str, float]) -> Report:
    """The figures and their table, from milliseconds by way."""
    plain = medians["plain"]
    rows = [f"| {_NAMES[way]} | {ms:.2f} | {ms - plain:+.2f} |" for way, ms in medians.items()]
    text = (
        f"One call to a server on the loopback, median of {_ROUNDS} interleaved rounds:\n\n"
        "| way | ms | over plain |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    figures = {f"{way}_ms": ms for way, ms in medians.items()}
    figures |= {f"{way}_overhead_ms": ms - plain for way, ms in medians.items() if way != "plain"}
    return Report(figures=figures, text=text)


async def _medians(url: str, rounds: int) -> dict[str, float]:
    chat, spec = load_chat(f"openai/stub@{url}", settings=load_settings())
    with tempfile.TemporaryDirectory() as home:
        ledger = Ledger(Path(home) / "ledger.db")
        async with httpx.AsyncClient() as client:
            ways = _ways(url, client, chat, spec, ledger)
            times = await _interleaved(ways, rounds)
        ledger.close()
    return {way: 1000 * statistics.median(seconds[_WARM_UP:]) for way, seconds in times.items()}


async def _interleaved(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds + _WARM_UP):
        for way, call in ways.items():
            started = time.perf_counter()
            await call()
            times[way].append(time.perf_counter() - started)
    return times


def _ways(
    url: str, client: httpx.AsyncClient, chat: BaseChatModel, spec: ModelSpec, ledger: Ledger
) -> dict[str, Way]:
    messages = list(_PROMPT.messages)
    body = {"model": "stub", "messages": [{"role": role, "content": text} for role, text in messages]}
    body |= {"temperature": 0.0, "top_p": 1.0, "max_tokens": 2048, "seed": 0, "stream": False}
    others = _langchain(url)

    def record(call: Call) -> None:
        ledger.append("bench", "call", to_json(call))

    calling = Calling(record=record, keep=ledger.keep)
    caller = Caller(meter=Meter(), calling=calling, context=_CONTEXT)
    model, boundary = Model(chat=chat, spec=spec), ModelClient(chat, spec)

    async def plain() -> None:
        response = await client.post(f"{url}/chat/completions", json=body)
        response.raise_for_status().json()

    return {
        "plain": plain,
        "langchain": lambda: others.ainvoke(messages, seed=0),
        "engine": lambda: chat.ainvoke(messages, seed=0),
        "client": lambda: boundary.complete(_PROMPT, context=_CONTEXT),
        "caller": lambda: caller.complete(model, _PROMPT),
    }


def _langchain(url: str) -> BaseChatModel:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        model="stub",
        base_url=url,
        api_key=SecretStr("none"),
        max_retries=0,
        temperature=0.0,
        use_responses_api=False,
    )
