"""LangSmith is switched on by an environment variable, for the whole process: within a run that is not word enough."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


@contextmanager
def unseen_by_langsmith(*, allowed: bool) -> Generator[None]:
    """Within it nothing is sent to LangSmith, unless `allowed`: neither by its switch nor by a tracer further out.

    Other callbacks of the caller's own graph stay.
    """
    if allowed:
        yield
        return
    from langchain_core.runnables.config import var_child_runnable_config
    from langsmith import tracing_context

    outer = var_child_runnable_config.get()
    inner = None if outer is None else cast("RunnableConfig", {**outer, **_without_tracer(outer)})
    token = var_child_runnable_config.set(inner)
    try:
        with tracing_context(enabled=False, parent=False):
            yield
    finally:
        var_child_runnable_config.reset(token)


def _without_tracer(config: Any) -> dict[str, Any]:
    from langchain_core.tracers.langchain import LangChainTracer

    callbacks = config.get("callbacks")
    if callbacks is None:
        return {}
    if isinstance(callbacks, list):
        return {"callbacks": [each for each in callbacks if not isinstance(each, LangChainTracer)]}
    others = callbacks.copy()
    for handler in [each for each in others.handlers if isinstance(each, LangChainTracer)]:
        others.remove_handler(handler)
    return {"callbacks": others}
