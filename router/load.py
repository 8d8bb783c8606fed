"""Policies by name, loaded only when asked for: those shipped here, then those that other packages register."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast, runtime_checkable

import yaml

from .. import UsageError
from .calibration import Calibration
from .exemplars import Exemplar
from .options import AtLeast, check_values
from .plugins import find_plugins, load_plugin
from .policy import Policy

DEFAULT = "learned"
"""The policy an agent uses when none is named."""
Need = Literal["labels", "weights", "model", "embedder", "state", "budget", "calibration"]
"""What a policy cannot do without: outcomes to be fitted on, a weights file, a chat model, an embedding model, a
file that keeps what it learns, a limit, a threshold from `pilotfish lab calibrate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A shipped policy, and what `pilotfish lab policies` says of it."""

    make: Callable[..., Policy]
    """Its keyword arguments are the policy's options."""
    summary: str
    needs: tuple[Need, ...] = ()
    weights: str | None = None
    """The file of `router/weights` that it uses unless told otherwise; its card is the same name with `.card.md`."""


@runtime_checkable
class ChatModel(Protocol):
    """A chat model of langchain-core, which is not imported to know one."""

    ainvoke: Any


def _always_local() -> Policy:
    from .fixed import always_local

    return always_local()


def _always_large() -> Policy:
    from .fixed import always_large

    return always_large()


def _always_retrieval() -> Policy:
    from .fixed import always_retrieval

    return always_retrieval()


def _random(*, seed: int = 0, share: float = 0.5) -> Policy:
    from .fixed import RandomPolicy

    return RandomPolicy(seed=seed, share=share)


def _rules() -> Policy:
    from .rules import RulesPolicy

    return RulesPolicy()


def _bandit(
    *,
    policy: str | Policy = DEFAULT,
    state: str | Path | None = None,
    arms: str | Sequence[str] = "local;large",
    prices: Mapping[str, float] | None = None,
    exploration: float = 0.05,
    tradeoff: float = 0.1,
    seed: int = 0,
) -> Policy:
    from .bandit import make_bandit

    return make_bandit(
        load_inner(policy),
        state=state,
        arms=arms,
        prices=prices,
        exploration=exploration,
        tradeoff=tradeoff,
        seed=seed,
    )


def _blend(*, policies: str | Sequence[str | Policy] = "learned;rules") -> Policy:
    from .blend import Blend

    given = policies.split(";") if isinstance(policies, str) else policies
    return Blend(*map(load_inner, given))


def _budgeted(
    *,
    policy: str | Policy = DEFAULT,
    usd: float | None = None,
    tokens: float | None = None,
    seconds: float | None = None,
    large_calls: int | None = None,
    large: str | None = None,
    price_in: float | None = None,
    price_out: float | None = None,
    output_tokens: int = 400,
    seconds_per_call: float | None = None,
    least_gain: float = 0.0,
) -> Policy:
    from .allotment import LargeBudget
    from .budgeted import make_budgeted

    return make_budgeted(
        load_inner(policy),
        budget=LargeBudget(usd=usd, tokens=tokens, seconds=seconds, large_calls=large_calls),
        large=large,
        price_in=price_in,
        price_out=price_out,
        output_tokens=output_tokens,
        seconds_per_call=seconds_per_call,
        least_gain=least_gain,
    )


def _capability(
    *,
    weights: str | Path | None = None,
    tradeoff: float = 0.0,
    embedder: Any = None,
    home: str | Path | None = None,
    kinds: str | Policy = DEFAULT,
) -> Policy:
    from .capability import make_capability

    return make_capability(
        weights=weights, tradeoff=tradeoff, embedder=embedder, home=home, kinds=load_inner(kinds)
    )


def _knn(
    *,
    exemplars: str | Path | Sequence[Exemplar] = "shipped",
    k: int = 16,
    temperature: float = 0.05,
    embedder: Any = "minilm-l6",
    home: str | Path | None = None,
    weights: str | Path | None = None,
) -> Policy:
    if weights is not None:
        from .knn_file import read_knn

        return read_knn(Path(weights), embedder=embedder, home=home)
    from .knn import load_knn

    return load_knn(exemplars=exemplars, k=k, temperature=temperature, embedder=embedder, home=home)


def _constrained(
    *, policy: str | Policy = DEFAULT, constraints: str | Mapping[str, Any] | None = None
) -> Policy:
    from .constrained import make_constrained

    return make_constrained(load_inner(policy), constraints=constraints)


def _learned(*, weights: str | Path | None = None, threshold: float = 0.5) -> Policy:
    from .learned import load_learned

    return load_learned(weights=weights, threshold=threshold)


def _llm(
    *,
    model: str | ChatModel | None = None,
    fallback: str | Policy = "rules",
    prompt: str = "route",
    weights: str | Path | None = None,
    logprobs: bool = True,
    concurrency: Annotated[int, AtLeast(1)] = 4,
    timeout_s: float = 60.0,
) -> Policy:
    from .llm import load_llm

    made = load_llm(
        model=cast("Any", model),
        fallback=load_inner(fallback),
        prompt=prompt,
        weights=weights,
        logprobs=logprobs,
        concurrency=concurrency,
        timeout_s=timeout_s,
    )
    return cast("Policy", made)  # its decide is awaited, which every caller of policies allows for


def _cascade(
    *,
    policy: str | Policy | None = None,
    min_confidence: float | None = None,
    calibration: str | Path | Calibration | None = None,
) -> Policy:
    from .cascade import load_cascade

    return load_cascade(policy=policy, min_confidence=min_confidence, calibration=calibration)


def _threshold(
    *,
    policy: str | Policy | None = None,
    threshold: float | None = None,
    calibration: str | Path | Calibration | None = None,
) -> Policy:
    from .threshold import load_threshold

    return load_threshold(policy=policy, threshold=threshold, calibration=calibration)


_POLICIES: Mapping[str, Entry] = {
    "always-large": Entry(make=_always_large, summary="everything to the large model"),
    "always-local": Entry(make=_always_local, summary="everything to the small local model"),
    "always-retrieval": Entry(make=_always_retrieval, summary="everything to the retriever"),
    "bandit": Entry(
        make=_bandit,
        summary="learns online, from verdicts and feedback, which lane is worth its price; never stops exploring",
    ),
    "blend": Entry(make=_blend, summary="several policies as one: the mean of their log-odds decides"),
    "budgeted": Entry(
        make=_budgeted,
        summary="another policy within dollars, tokens, seconds or large calls for the whole run",
        needs=("budget",),
    ),
    "capability": Entry(
        make=_capability,
        summary="the model with the best expected quality for its cost, of any number, and what it expects of it",
        needs=("weights",),
    ),
    "cascade": Entry(
        make=_cascade,
        summary="local first, on to the large model where the answer is not as sure as its calibration asks",
        needs=("calibration",),
    ),
    "knn": Entry(make=_knn, summary="as the nearest labelled exemplars, yours or ours", needs=("embedder",)),
    "constrained": Entry(
        make=_constrained,
        summary="another policy, moved off lanes that a data class, a text's length or a latency target forbids",
    ),
    "learned": Entry(
        make=_learned,
        summary="reasoning or knowledge, by a calibrated lexical model",
        weights="learned.json",
    ),
    "llm": Entry(
        make=_llm,
        summary="reasoning or knowledge, in one constrained word of a small model, with its log-probabilities",
        needs=("model",),
        weights="llm.json",
    ),
    "random": Entry(make=_random, summary="reasoning for a given share of subtasks, by a seeded hash"),
    "rules": Entry(make=_rules, summary="reasoning or knowledge, by hand-written rules"),
    "threshold": Entry(
        make=_threshold,
        summary="another policy's score cut where it keeps the promised quality, by its calibration",
        needs=("calibration",),
    ),
}


def policy_names() -> tuple[str, ...]:
    """Every name `load_policy` knows, sorted: the shipped ones and those that other packages register."""
    return tuple(sorted({*_POLICIES, *find_plugins()}))


def shipped_policies() -> Mapping[str, Entry]:
    """The policies of Pilotfish itself, by name."""
    return _POLICIES


def load_policy(name: str = DEFAULT, **options: Any) -> Policy:
    """The policy called `name` with its options, which `pilotfish lab policies` lists; a shipped one wins its name.

    Raises `UsageError` naming the nearest policy, the options there are, the option whose value will not do, or the
    package whose policy fails.
    """
    make = _find(name)
    allowed = inspect.signature(make).parameters
    kinds = {parameter.kind for parameter in allowed.values()}
    for option in options:
        if option not in allowed and inspect.Parameter.VAR_KEYWORD not in kinds:
            takes = ", ".join(repr(known) for known in allowed) or "no options"
            raise UsageError(f"policy {name!r} has no option {option!r}; it takes {takes}")
    for option, parameter in allowed.items():
        required = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
        if required and option not in options:
            raise UsageError(f"policy {name!r} needs its option {option!r}; write {name}:{option}=VALUE")
    check_values(name, make, options, strict=name in _POLICIES)
    made = make(**options)
    if not callable(getattr(made, "decide", None)):
        raise UsageError(f"policy {name!r} came out as {made!r}, which has no method decide(subtasks)")
    return made


def load_inner(policy: str | Policy) -> Policy:
    """The policy inside a wrapper: an object, or `NAME` or `NAME:option=value;…`, with semicolons for commas."""
    return policy_from(policy.replace(";", ",")) if isinstance(policy, str) else policy


def policy_from(text: str) -> Policy:
    """The policy that `NAME` or `NAME:option=value,…` names, as users write it."""
    name, options = parse_policy(text)
    return load_policy(name, **options)


def parse_policy(text: str) -> tuple[str, dict[str, Any]]:
    """`NAME` or `NAME:option=value,…` as name and options; values are read as YAML, `{…}` and `[…]` in one piece.

    Raises `UsageError` when an option has no value, or one that is not YAML.
    """
    name, _, rest = text.partition(":")
    options: dict[str, Any] = {}
    for item in filter(None, _split(rest)):
        option, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"option {item!r} of policy {name!r} has no value; write {item}=VALUE")
        try:
            options[option.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(
                f"the value {value!r} of option {option!r} of policy {name!r} is not YAML"
            ) from None
    return name, options


def _split(text: str) -> Iterator[str]:
    """At the commas that stand outside of brackets."""
    start, depth = 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "{[") - (sign in "}]")
        if sign == "," and depth <= 0:
            yield text[start:place]
            start = place + 1
    if text[start:]:
        yield text[start:]


def _find(name: str) -> Callable[..., Policy]:
    if name in _POLICIES:
        return _POLICIES[name].make
    plugins = find_plugins()
    if name in plugins:
        return load_plugin(plugins[name])
    near = difflib.get_close_matches(name, policy_names(), n=1, cutoff=0.4)
    hint = f", did you mean {near[0]!r}? There are" if near else "; there are"
    raise UsageError(f"unknown policy {name!r}{hint}: {', '.join(policy_names())}")
