"""From what a caller gave an `Agent` to the `Services` its graphs work with: names are resolved, models loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .. import UsageError
from ..models.calling import Calling
from ..models.data_policy import DataPolicy
from ..models.data_policy_file import as_data_policy
from ..models.guard import Guards
from ..models.load import load_chat
from ..models.prices import PriceTable, load_prices
from ..models.resilience import Resilience
from ..models.settings import Settings
from ..models.spec import ModelSpec
from ..models.telemetry import telemetry_of
from ..prompts import PromptChoice
from ..retrieval.evidence import Retriever
from ..router.load import policy_from
from ..router.policy import LaneName, Policy
from ..tracing.ledger import Ledger
from ..tracing.telemetry import Telemetry
from .arithmetic import Arithmetic
from .budget import Budget
from .caller import Model
from .candidates import Candidates
from .codec import to_json
from .fallback import FallbackLane
from .groundedness import Groundedness
from .lane import Lane
from .llm_planner import LLMPlanner
from .model_lane import ModelLane
from .plan import Plan
from .planner import Planner, as_planner
from .retrieval_lane import RetrievalLane
from .rule_planner import RulePlanner
from .schema_verifier import SchemaVerifier
from .scope import LANE_SLOTS, Services, Synthesiser
from .synthesis import synthesise
from .tool_lane import ToolLane
from .verifier import CheckFunction, Verifier, as_verifier

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    GivenModel = str | ModelSpec | BaseChatModel
    """One model, however a caller may say which."""

LARGE_MAX_TOKENS = 2048
OBJECT = "(an object)"
"""Stands in the ledger for a part that was given as an object: only its maker can give it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The arguments of an `Agent`, as they were given."""

    local: GivenModel | Sequence[GivenModel] | None
    large: GivenModel | Sequence[GivenModel] | None
    corpus: str | Path | Retriever | BaseRetriever | None
    policy: str | Policy | None
    planner: str | Plan | Planner | Callable[[str], Any] | None
    prompts: PromptChoice
    data_class: str
    data_policy: DataPolicy | str | Path | None
    name: str
    telemetry: Telemetry | None
    tools: tuple[BaseTool, ...]
    verifiers: Mapping[str, Verifier | CheckFunction]
    synthesise: Synthesiser | None
    lanes: Mapping[LaneName, Lane]
    budget: Budget
    resilience: Resilience | Mapping[str, Resilience] | None
    slots: Mapping[LaneName, int]
    approve: bool
    screening: bool
    votes: int
    timeout_s: float | None
    seed: int
    settings: Settings
    fetch: bool

    def summary(self) -> str:
        """The parts a reader wants to see, as keyword arguments."""
        shown = {"local": self.local or self.settings.local, "large": self.large or self.settings.large}
        shown |= {"corpus": self.corpus, "policy": self.policy or self.settings.policy}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())

    def origin(self) -> dict[str, Any]:
        """What of it can be kept in the ledger to set the agent up again: names and limits, not objects."""
        settings = self.settings
        names = {
            "local": _kept(self.local or settings.local),
            "large": _kept(self.large or settings.large),
            "corpus": _kept(
                Path(self.corpus).resolve() if isinstance(self.corpus, str | Path) else self.corpus
            ),
            "policy": _kept(self.policy or settings.policy),
        }
        return {
            **names,
            "approve": "yes" if self.approve else None,
            "planner": _kept(self.planner),
            "seed": self.seed,
            "votes": self.votes,
            "timeout_s": self.timeout_s,
            "objects": [
                name for name in ("tools", "verifiers", "synthesise", "lanes") if getattr(self, name)
            ],
            "data_policy": _kept(_absolute(self.data_policy or settings.data_policy)),
            "budget": to_json(self.budget),
            "prompts": self.prompts.versions(),
        }


def _absolute(given: DataPolicy | str | Path | None) -> DataPolicy | Path | None:
    """A path as one that means the same in another folder."""
    return Path(given).expanduser().resolve() if isinstance(given, str | Path) else given


def _kept(value: object) -> str | None:
    """A name as itself, several with commas between, an object as a mark that there was one."""
    if isinstance(value, list | tuple):
        names = [_kept(each) for each in cast("Sequence[object]", value)]
        return OBJECT if OBJECT in names else ",".join(filter(None, names))
    return (
        value
        if value is None or isinstance(value, str)
        else str(value)
        if isinstance(value, Path)
        else OBJECT
    )


def assemble(parts: Parts) -> Services:
    """Resolve every name, load what it names. Errors say which argument and the remedy."""
    local = _models(parts, parts.local, parts.settings.local)
    large_name = parts.large or parts.settings.large
    large = _models(parts, parts.large, parts.settings.large) if large_name else []
    retriever = _retriever(parts)
    prompts = parts.prompts
    lanes: dict[LaneName, Lane] = {
        "local": _one([ModelLane(name="local", model=model, prompts=prompts) for model in local])
    }
    if retriever is not None:
        lanes["retrieval"] = _one(
            [
                RetrievalLane(retriever=retriever, reader=model, prompts=prompts, screening=parts.screening)
                for model in local
            ]
        )
    if large:
        lanes["large"] = _one(
            [
                ModelLane(name="large", model=model, max_tokens=LARGE_MAX_TOKENS, prompts=prompts)
                for model in large
            ]
        )
    lanes["tool"] = ToolLane(tools=_tools(parts.tools))
    lanes |= _own_lanes(parts)
    return Services(
        planner=_planner(parts, (large or local)[0], has_large=bool(large)),
        policy=_policy(parts),
        lanes=lanes,
        standard=(SchemaVerifier(), Arithmetic(), Groundedness()),
        named={name: as_verifier(name, check) for name, check in parts.verifiers.items()},
        synthesise=parts.synthesise or synthesise,
        ledger=Ledger(parts.settings.home / "ledger.db", keep_content=parts.settings.keep_content),
        budget=parts.budget,
        slots=_slots(parts.slots),
        approve=parts.approve,
        screening=parts.screening,
        votes=parts.votes,
        seed=parts.seed,
        timeout_s=parts.timeout_s,
        calling=_calling(parts, local, large),
        data_class=parts.data_class,
        workflow=parts.name,
        langsmith=parts.settings.langsmith,
        candidates=Candidates(parts.settings),
        origin=parts.origin(),
    )


def _one(lanes: Sequence[Lane]) -> Lane:
    """The lane, or the first of several with the others to fall back on."""
    return lanes[0] if len(lanes) == 1 else FallbackLane(tuple(lanes))


def _calling(parts: Parts, local: Sequence[Model], large: Sequence[Model]) -> Calling:
    """What the agent's model calls go through."""
    settings = parts.settings
    data_policy = _data_policy(parts)
    return Calling(
        guards=Guards(_resilience(parts.resilience, local, large)),
        data_policy=data_policy,
        telemetry=telemetry_of(settings, parts.telemetry, data_policy),
        prices=PriceTable() if settings.prices is None else load_prices(settings.prices),
    )


def _data_policy(parts: Parts) -> DataPolicy:
    given = parts.data_policy or parts.settings.data_policy
    policy = DataPolicy() if given is None else as_data_policy(given)
    policy.detected("-")  # what detects is loaded here, as models are, not within a run
    return policy


def _resilience(
    given: Resilience | Mapping[str, Resilience] | None, local: Sequence[Model], large: Sequence[Model]
) -> Resilience | Mapping[str, Resilience] | None:
    """By model id: a lane's name stands for the models of that lane."""
    if not isinstance(given, Mapping):
        return given
    lanes = {"local": local, "retrieval": local, "large": large}
    known = {model.spec.id for model in (*local, *large)}
    terms: dict[str, Resilience] = {}
    for name, resilience in sorted(given.items(), key=lambda item: item[0] not in lanes):
        if name not in lanes and name not in known:
            raise UsageError(
                f"resilience for {name!r}, which is no model and no lane of this agent; "
                f"there are: {', '.join([*lanes, *sorted(known)])}"
            )
        ids = [model.spec.id for model in lanes[name]] if name in lanes else [name]
        terms |= dict.fromkeys(ids, resilience)
    return terms


def _models(
    parts: Parts, given: GivenModel | Sequence[GivenModel] | None, default: str | None
) -> list[Model]:
    """The model, or several to be asked in order."""
    chosen = given if given is not None else default
    if chosen is None:
        raise UsageError("no local model: give local=…, or set PILOTFISH_LOCAL to a model id")
    fetch = parts.fetch or given is not None
    loaded = [load_chat(each, settings=parts.settings, fetch=fetch) for each in _several(chosen)]
    if not loaded:
        raise UsageError(f"no model in {chosen!r}: give one, or several with commas between")
    return [Model(chat=chat, spec=spec) for chat, spec in loaded]


def _several(given: GivenModel | Sequence[GivenModel]) -> list[GivenModel]:
    if isinstance(given, str):
        return (
            [given] if Path(given).exists() else [name.strip() for name in given.split(",") if name.strip()]
        )
    return list(given) if isinstance(given, list | tuple) else [cast("GivenModel", given)]


def _retriever(parts: Parts) -> Retriever | None:
    corpus = parts.corpus
    if corpus is None:
        return None
    if isinstance(corpus, str | Path):
        from ..models.embedder import load_embedder
        from ..retrieval.corpus import open_corpus

        embedder = load_embedder(home=parts.settings.home, fetch=parts.fetch)
        return open_corpus(
            Path(corpus), home=parts.settings.home, embedder=embedder, data_policy=_data_policy(parts)
        )
    if hasattr(corpus, "as_retriever"):  # a LangChain vector store, whose own `search` is another thing
        corpus = cast("Any", corpus).as_retriever()
    if isinstance(corpus, Retriever):
        return corpus
    from ..retrieval.langchain import from_langchain

    return from_langchain(corpus)


def _tools(given: tuple[BaseTool, ...]) -> dict[str, BaseTool]:
    from ..tools import default_tools

    tools = {tool.name: tool for tool in default_tools()}
    for tool in given:
        tools[tool.name] = tool
    return tools


def _planner(parts: Parts, model: Model, *, has_large: bool) -> Planner:
    given = parts.planner
    if given is None:
        given = "llm" if has_large else "rules"
    if given == "rules":
        return RulePlanner()
    if given == "llm":
        return LLMPlanner(model=model, prompts=parts.prompts)
    if isinstance(given, str):
        raise UsageError(
            f"unknown planner {given!r}; there are: 'rules', 'llm', or give a function or a Plan"
        )
    return as_planner(given)


def _own_lanes(parts: Parts) -> Mapping[LaneName, Lane]:
    given = cast("Mapping[Any, object]", parts.lanes)
    for name, lane in given.items():
        if name not in LANE_SLOTS or not isinstance(lane, Lane):
            raise UsageError(
                f"lanes has {lane!r} for {name!r}; give objects with an attempt method for {', '.join(LANE_SLOTS)}"
            )
    return parts.lanes


def _slots(given: Mapping[LaneName, int]) -> dict[LaneName, int]:
    for lane, slots in given.items():
        if lane not in LANE_SLOTS or slots < 1:
            raise UsageError(
                f"slots of {slots!r} for the lane {lane!r}: give at least 1 to any of {', '.join(LANE_SLOTS)}"
            )
    return {**LANE_SLOTS, **given}


def _policy(parts: Parts) -> Policy:
    policy = parts.policy if parts.policy is not None else parts.settings.policy
    return policy_from(policy) if isinstance(policy, str) else policy
