"""From what a caller gave an `Agent` to the `Services` its graphs work with: names are resolved, models loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from .. import UsageError
from ..models.calling import Calling
from ..models.data_policy import DataPolicy
from ..models.load import load_chat
from ..models.prices import PriceTable, load_prices
from ..models.settings import Settings
from ..models.spec import ModelSpec
from ..prompts import PromptChoice
from ..retrieval.evidence import Retriever
from ..router.load import policy_from
from ..router.policy import LaneName, Policy
from ..tracing.ledger import Ledger
from .arithmetic import Arithmetic
from .budget import Budget
from .caller import Model
from .codec import to_json
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

LARGE_MAX_TOKENS = 2048
OBJECT = "(an object)"
"""Stands in the ledger for a part that was given as an object: only its maker can give it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The arguments of an `Agent`, as they were given."""

    local: str | ModelSpec | BaseChatModel | None
    large: str | ModelSpec | BaseChatModel | None
    corpus: str | Path | Retriever | BaseRetriever | None
    policy: str | Policy | None
    planner: str | Plan | Planner | Callable[[str], Any] | None
    prompts: PromptChoice
    data_class: str
    data_policy: DataPolicy | None
    name: str
    tools: tuple[BaseTool, ...]
    verifiers: Mapping[str, Verifier | CheckFunction]
    synthesise: Synthesiser | None
    budget: Budget
    slots: Mapping[LaneName, int]
    approve: bool
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
            "budget": to_json(self.budget),
            "prompts": self.prompts.versions(),
        }


def _kept(value: object) -> str | None:
    """A name as itself, an object as a mark that there was one."""
    return (
        value
        if value is None or isinstance(value, str)
        else str(value)
        if isinstance(value, Path)
        else OBJECT
    )


def assemble(parts: Parts) -> Services:
    """Resolve every name, load what it names. Errors say which argument and the remedy."""
    local = _model(parts, parts.local, parts.settings.local)
    large_name = parts.large or parts.settings.large
    large = None if large_name is None else _model(parts, parts.large, parts.settings.large)
    retriever = _retriever(parts)
    lanes: dict[LaneName, Lane] = {"local": ModelLane(name="local", model=local, prompts=parts.prompts)}
    if retriever is not None:
        lanes["retrieval"] = RetrievalLane(retriever=retriever, reader=local, prompts=parts.prompts)
    if large is not None:
        lanes["large"] = ModelLane(
            name="large", model=large, max_tokens=LARGE_MAX_TOKENS, prompts=parts.prompts
        )
    lanes["tool"] = ToolLane(tools=_tools(parts.tools))
    return Services(
        planner=_planner(parts, large or local, has_large=large is not None),
        policy=_policy(parts),
        lanes=lanes,
        standard=(SchemaVerifier(), Arithmetic(), Groundedness()),
        named={name: as_verifier(name, check) for name, check in parts.verifiers.items()},
        synthesise=parts.synthesise or synthesise,
        ledger=Ledger(parts.settings.home / "ledger.db"),
        budget=parts.budget,
        slots=_slots(parts.slots),
        approve=parts.approve,
        votes=parts.votes,
        seed=parts.seed,
        timeout_s=parts.timeout_s,
        calling=_calling(parts),
        data_class=parts.data_class,
        workflow=parts.name,
        origin=parts.origin(),
    )


def _calling(parts: Parts) -> Calling:
    """What the agent's model calls go through."""
    settings = parts.settings
    return Calling(
        data_policy=parts.data_policy or DataPolicy(),
        prices=PriceTable() if settings.prices is None else load_prices(settings.prices),
    )


def _model(parts: Parts, given: str | ModelSpec | BaseChatModel | None, default: str | None) -> Model:
    model = given if given is not None else default
    if model is None:
        raise UsageError("no local model: give local=…, or set PILOTFISH_LOCAL to a model id")
    chat, spec = load_chat(model, settings=parts.settings, fetch=parts.fetch or given is not None)
    return Model(chat=chat, spec=spec)


def _retriever(parts: Parts) -> Retriever | None:
    corpus = parts.corpus
    if corpus is None:
        return None
    if isinstance(corpus, str | Path):
        from ..models.embedder import load_embedder
        from ..retrieval.corpus import open_corpus

        embedder = load_embedder(home=parts.settings.home, fetch=parts.fetch)
        return open_corpus(Path(corpus), home=parts.settings.home, embedder=embedder)
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
