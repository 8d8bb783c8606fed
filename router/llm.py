"""The `llm` policy: a small chat model says reasoning or knowledge, one word, with its own log-probabilities.

The answer is held to the two words by a grammar where the engine has one. llama.cpp's arithmetic depends on what else
is in its batch, so probabilities may differ in the third decimal from one time to the next.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .. import UnavailableError, UsageError
from ..models.calling import Calling
from ..prompts import Prompt, load_prompt
from ..tracing.call import CallContext
from .lanes import lane_of
from .policy import Decision, Kind, Policy
from .subtask import Subtask

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ..models.client import Completion, ModelClient
    from ..models.logprobs import TokenLogprob
    from ..models.spec import ModelSpec

VERSION = "1"
PROMPT = "route"
SHIPPED = Path(__file__).parent / "weights" / "llm.json"
"""Calibration by model and prompt, fitted on our own exemplars by `pilotfish lab train --what llm`."""
WORDS: tuple[Kind, Kind] = ("reasoning", "knowledge")
SCHEMA: Mapping[str, Any] = {"enum": list(WORDS)}
ALTERNATIVES = 20
"""Log-probabilities asked for at each token; OpenAI gives no more."""
ANSWER_ONLY = 0.75
"""Confidence in an answer without log-probabilities: a guess, and said to be one."""
TEXT = 1200
"""Characters of a subtask that are shown, from its head and its tail."""
_MAX_TOKENS = 32
_DIGITS = 12
"""Of a digest of weights, where a model is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Platt scaling of one model's log-odds under one prompt (Platt 1999)."""

    slope: float
    shift: float

    def probability(self, odds: float) -> float:
        """Of reasoning, 0 to 1, from the model's log-odds of it."""
        score = self.slope * odds + self.shift
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


UNCALIBRATED = Calibration(slope=1.0, shift=0.0)


class RoutingModel:
    """A chat model that is looked for, on first use, by its name; nothing is downloaded."""

    def __init__(self, model: str | BaseChatModel | None = None, *, home: Path | None = None) -> None:
        self._model = model
        self._home = home
        self._found: tuple[BaseChatModel, ModelSpec] | None = None

    def __repr__(self) -> str:
        return repr(self._model or "settings.local")

    def resolve(self) -> tuple[BaseChatModel, ModelSpec]:
        """The model and its spec; raises `UnavailableError` where its weights are not there."""
        if self._found is None:
            from ..models.load import load_chat
            from ..models.settings import load_settings

            settings = load_settings(home=self._home)
            self._found = load_chat(self._model or settings.local, settings=settings)
        return self._found


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmPolicy:
    """Asks a small model for each subtask; where it gives no answer, `fallback` decides and the reason says so."""

    whole_run: ClassVar[bool] = False
    """Each subtask is judged alone: a run is looked at for nothing but where its calls go."""
    model: RoutingModel
    fallback: Policy
    prompt: str = PROMPT
    """A shipped prompt's name or the path of your own; it is given `text` and asks for one of `WORDS`."""
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    """By `calibration_key`; a model and prompt that are not in it are not calibrated."""
    logprobs: bool = True
    """False for an endpoint that refuses to be asked for them."""
    concurrency: int = 4
    """Calls under way at once."""
    timeout_s: float = 60.0
    """Longest that one call may take."""
    calling: Calling = field(default_factory=Calling)

    def __repr__(self) -> str:
        return f"LlmPolicy(model={self.model!r}, prompt={self.prompt!r}, fallback={self.fallback!r})"

    def for_run(self, subtasks: Sequence[Subtask], /, *, calling: Calling) -> LlmPolicy:  # noqa: ARG002 - each subtask is judged alone
        """The same policy, whose calls go through `calling`."""
        return replace(self, calling=calling)

    @property
    def trained_on(self) -> Any:
        """What the fallback was trained on, as it says it; the model's own training is not known."""
        return getattr(self.fallback, "trained_on", None)

    async def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order; a subtask with a tool or without a text costs no call."""
        try:
            _, spec = await asyncio.to_thread(self.model.resolve)
            completions = await self.complete(subtasks)
        except UnavailableError as error:
            version = self._version("no-model")
            return [self._fall_back(subtask, str(error), version) for subtask in subtasks]
        version = self._version(f"{spec.id}@{spec.digest[:_DIGITS]}")
        return [self._read(*pair, version) for pair in zip(subtasks, completions, strict=True)]

    async def complete(self, subtasks: Sequence[Subtask]) -> list[Completion | None]:
        """What the model says of each subtask, None where it is not asked.

        Raises `UnavailableError` where there is no model to ask; trouble with a call is in its completion.
        """
        chat, spec = await asyncio.to_thread(self.model.resolve)
        from ..models.client import ModelClient

        client = ModelClient(chat, spec, calling=self.calling)
        slots = asyncio.Semaphore(self.concurrency)

        async def ask(subtask: Subtask) -> Completion | None:
            if subtask.tool is not None or not subtask.text.strip():
                return None
            async with slots:
                return await self._ask(client, subtask)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(subtask)) for subtask in subtasks]
        return [task.result() for task in tasks]

    async def _ask(self, client: ModelClient, subtask: Subtask) -> Completion:
        return await client.complete(
            load_prompt(self.prompt).render(text=clipped(subtask.text)),
            context=CallContext(data_classes=subtask.data_classes, purpose="route"),
            max_tokens=_MAX_TOKENS if client.spec.thinking == "none" else None,
            temperature=0.0 if client.spec.thinking == "none" else None,
            timeout_s=self.timeout_s,
            schema=SCHEMA,
            top_logprobs=ALTERNATIVES if self.logprobs else None,
        )

    def _read(self, subtask: Subtask, completion: Completion | None, version: str) -> Decision:
        if completion is None:
            return self._fall_back(subtask, "it has a tool" if subtask.tool else "it has no text", version)
        said: Kind | None = completion.value if completion.value in WORDS else None
        if completion.failure is not None or said is None:
            why = f"no answer of {completion.call.model_id}: {completion.detail}"
            return self._fall_back(subtask, why, version)
        p_reasoning, why = self._probability(completion, said)
        kind: Kind = "reasoning" if p_reasoning >= 0.5 else "knowledge"
        return Decision(
            kind=kind,
            lane=lane_of(subtask, kind),
            p_reasoning=p_reasoning,
            confidence=max(p_reasoning, 1.0 - p_reasoning),
            reason=f"{kind}: {why}",
            policy="llm",
            version=version,
        )

    def _probability(self, completion: Completion, said: Kind) -> tuple[float, str]:
        """The probability of reasoning and where it comes from."""
        asked = completion.call.model_id
        odds = odds_of(completion)
        if odds is None:
            why = f"{asked} answered {said!r} without log-probabilities, so its confidence is a guess"
            return ANSWER_ONLY if said == "reasoning" else 1.0 - ANSWER_ONLY, why
        own = UNCALIBRATED.probability(odds)
        key = calibration_key(
            completion.call.model_id, completion.call.model_digest, load_prompt(self.prompt)
        )
        if key not in self.calibrations:
            return own, f"{asked} gives reasoning {own:.2f}, not calibrated"
        p_reasoning = self.calibrations[key].probability(odds)
        return p_reasoning, f"{asked} gives reasoning {own:.2f}, calibrated {p_reasoning:.2f}"

    def _fall_back(self, subtask: Subtask, why: str, version: str) -> Decision:
        (decision,) = self.fallback.decide([subtask])
        return replace(
            decision,
            reason=f"{decision.reason} (decided by {decision.policy}: {why})",
            policy="llm",
            version=version,
        )

    def _version(self, model: str) -> str:
        """Another for another model, prompt or calibration: each decides otherwise."""
        prompt = load_prompt(self.prompt)
        numbers = sorted((key, c.slope, c.shift) for key, c in self.calibrations.items())
        calibrated = hashlib.sha256(json.dumps(numbers).encode()).hexdigest()[:6]
        return f"{VERSION}/{model}/{prompt.name}-{prompt.version}/{calibrated}"


def odds_of(completion: Completion) -> float | None:
    """Log-odds of reasoning in a completion; None where it has none that speak of the question itself.

    A model that thinks first, or was asked again, only copies its conclusion in the end.
    """
    alone = len(completion.calls) == 1 and completion.thinking is None
    return log_odds(completion.logprobs) if alone else None


def log_odds(logprobs: Sequence[TokenLogprob]) -> float | None:
    """Log-odds of reasoning against knowledge where the two words part; None where no token says a word.

    Token pieces such as `reas` count for their word. A word that is not among the alternatives is at most as likely
    as the least of them and is taken to be that.
    """
    for place in logprobs:
        if _word(place.token) is None:
            continue
        found = {word: _sum([p for token, p in place.top if _word(token) == word]) for word in WORDS}
        said = _word(place.token)
        least = min((place.logprob, *(p for _, p in place.top)))
        values = {
            word: p if p is not None else place.logprob if word == said else least
            for word, p in found.items()
        }
        return values["reasoning"] - values["knowledge"]
    return None


def clipped(text: str) -> str:
    """Head and tail of a long text."""
    return text if len(text) <= TEXT else f"{text[: 2 * TEXT // 3]}\n…\n{text[-TEXT // 3 :]}"


def calibration_key(model_id: str, digest: str, prompt: Prompt) -> str:
    """The name of a calibration: the model's id, the head of its digest, the prompt and its version."""
    return f"{model_id}@{digest[:_DIGITS]}/{prompt.name}-{prompt.version}"


def load_llm(
    *,
    model: str | BaseChatModel | None = None,
    fallback: Policy,
    prompt: str = PROMPT,
    weights: Path | str | None = None,
    logprobs: bool = True,
    concurrency: int = 4,
    timeout_s: float = 60.0,
) -> LlmPolicy:
    """The policy with the shipped calibrations, or those of a file of your own. No model is loaded yet.

    Raises `UsageError` for a prompt or a weights file that cannot be used.
    """
    load_prompt(prompt).render(text="")
    return LlmPolicy(
        model=RoutingModel(model),
        fallback=fallback,
        prompt=prompt,
        calibrations=read_calibrations(Path(weights) if weights else SHIPPED),
        logprobs=logprobs,
        concurrency=concurrency,
        timeout_s=timeout_s,
    )


def read_calibrations(path: Path) -> Mapping[str, Calibration]:
    """Calibrations by `calibration_key`. Raises `UsageError` where the file is missing or of another form."""
    try:
        found: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))["calibrations"]
        return {
            key: Calibration(slope=float(c["slope"]), shift=float(c["shift"])) for key, c in found.items()
        }
    except OSError as error:
        raise UsageError(
            f"no calibrations at {str(path)!r} ({error.strerror}); leave out 'weights'"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{str(path)!r} holds no calibrations; write it with: pilotfish lab train --what llm --out DIR"
        ) from None


def _word(token: str) -> Kind | None:
    """The word a token begins, whatever quote, blank or capital it comes with."""
    piece = token.strip(" \n\"'").lower()
    return next(
        (word for word in WORDS if piece and (word.startswith(piece) or piece.startswith(word))), None
    )


def _sum(logs: Sequence[float]) -> float | None:
    return math.log(sum(math.exp(log) for log in logs)) if logs else None
