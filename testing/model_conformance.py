"""What every chat model must keep to serve as a lane's model, as one check to call from a test of your own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..models.calling import Calling
from ..models.client import ModelClient
from ..models.load import spec_for
from ..prompts import RenderedPrompt
from ..tracing.call import Call, CallContext
from .promises import require

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_PROMPT = RenderedPrompt(name="conformance", version="1", messages=(("user", "Say one word."),))
_CONTEXT = CallContext(data_classes=("public",))


async def check_model(model: BaseChatModel, *, max_tokens: int = 16) -> None:
    """Raises `AssertionError` naming the first thing that a chat model lacks to be accounted for.

    It answers or fails by data through the client, reports its tokens, streams the text it would return in one piece,
    and does not answer from a call that was given no time.
    """
    recorded: list[Call] = []
    client = ModelClient(model, spec_for(model), calling=Calling(record=recorded.append))
    completion = await client.complete(_PROMPT, context=_CONTEXT, max_tokens=max_tokens)
    require(len(recorded) == len(completion.calls) >= 1, "a call was not recorded")
    require(
        completion.failure in (None, "truncated"),
        f"a plain call failed: {completion.failure}: {completion.detail}",
    )
    call = completion.call
    require(
        call.input_tokens > 0 and call.output_tokens > 0,
        "the model does not report its tokens (usage_metadata)",
    )
    require(call.finish_reason in ("stop", "length"), f"unknown finish reason {call.finish_reason!r}")
    pieces = [chunk async for chunk in model.astream("Say one word.")]
    require(bool("".join(str(chunk.text) for chunk in pieces).strip()), "streaming brought no text")
    late = await client.complete(_PROMPT, context=_CONTEXT, max_tokens=max_tokens, timeout_s=0.0)
    require(late.failure == "timeout", f"a call with no time left gave {late.failure or 'an answer'}")
