"""The shipping-route planner: a workflow of the agent, from a request in plain English to an optimal route.

The plan is made by the function `plan_shipping`: the local model reads the request under a grammar, retrieval
subtasks fetch the limits, tolls and prices, a tool enumerates the ways, the local model chooses one. The words of the
request overrule its reading and the exact optimiser its choice, both visibly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..agents.agent import Agent
from ..agents.plan import Plan
from ..router.subtask import Subtask
from ..tools.sea_network import PASSAGES
from .costs import ets_ports
from .reading import as_reading, settle
from .reading_model import PROMPT, prompt_values, schema_for
from .request import Candidates, candidates
from .shipping_answer import answer_shipping
from .shipping_tools import OPTION_NAMES, READING_CHECK, ROUTE_CHECK, checks, places, tools
from .voyage_corridors import find_corridors
from .voyage_grounding import grounding_questions
from .voyage_query import VoyageQuery

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ..models.settings import Settings
    from ..models.spec import ModelSpec

CORPUS = Path(__file__).with_name("corpus")
"""The notices, tolls and prices that the planner grounds its routes in."""
DEFAULT_REQUEST = (
    "Ship 8,000 TEU from Shanghai to Rotterdam, draft 14.5 m, ready 3 March 2027, to arrive by 20 April 2027, "
    "for at most $9 million; keep out of the Red Sea."
)
_CHOICE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"choice": {"enum": [*OPTION_NAMES, "none"]}},
    "required": ["choice"],
    "additionalProperties": False,
}


WORKFLOW = "shipping"
"""What the agent is called in records, and in the plan of a canary."""


def shipping_agent(
    *,
    local: str | ModelSpec | BaseChatModel | None = None,
    large: str | ModelSpec | BaseChatModel | None = None,
    policy: str | None = None,
    corpus: str | Path = CORPUS,
    prompts: Mapping[str, str] | Sequence[str] = (),
    today: date | None = None,
    settings: Settings | None = None,
    fetch: bool = False,
) -> Agent:
    """An agent whose tasks are shipping requests. `today` is what relative dates count from."""
    day = today or date.today()
    return Agent(
        local=local,
        large=large,
        corpus=corpus,
        policy=policy,
        planner=workflow(day),
        prompts=prompts,
        name=WORKFLOW,
        tools=tools(),
        verifiers=checks(),
        synthesise=answer_shipping,
        settings=settings,
        fetch=fetch,
    )


def workflow(today: date) -> Callable[[str], Plan]:
    """The planner's function for requests made on `today`."""

    def plan_shipping(request: str) -> Plan:
        return plan_of(request, today)

    return plan_shipping


def plan_of(request: str, today: date) -> Plan:
    """The plan for a request; one that cannot be planned is only read, so that the answer can say what is wrong."""
    found = candidates(request, today=today)
    read = _read(found)
    query = as_reading(settle(found)).query
    if query is None and not settle(found).open_fields:
        return Plan([read], planner="shipping")
    questions = grounding_questions(_passages(query), european=query is None or ets_ports(query) > 0)
    fetched = [Subtask(id=each.id, text=each.text, lane="retrieval") for each in questions]
    return Plan(
        [read, *fetched, _routes(request, today, fetched), _choose()], planner="shipping", outputs=["choose"]
    )


def read_only(request: str, today: date) -> Plan:
    """The first step of a request's plan alone: to read it."""
    return Plan([_read(candidates(request, today=today))], planner="shipping")


def _read(found: Candidates) -> Subtask:
    request = found.request
    return Subtask(
        id="read",
        text=f"Fill in the form for this shipping request: {request.strip()}",
        lane="local",
        prompt=PROMPT,
        prompt_values=prompt_values(found),
        answer_schema=schema_for(found),
        verifier=READING_CHECK,
        tool="read_shipping_request",
        arguments={"request": request, "today": found.today.isoformat(), "said": "#previous"},
    )


def _routes(request: str, today: date, fetched: list[Subtask]) -> Subtask:
    return Subtask(
        id="routes",
        text="Enumerate the ways from origin to destination and check each against the limits",
        depends_on=("read", *(subtask.id for subtask in fetched)),
        tool="find_routes",
        arguments={
            "request": request,
            "today": today.isoformat(),
            "said": "#read",
            "evidence": [f"#{subtask.id}.evidence" for subtask in fetched],
        },
    )


def _choose() -> Subtask:
    return Subtask(
        id="choose",
        text="Given these constraints, choose the optimal route: the cheapest option that keeps every limit, or none.",
        depends_on=("routes",),
        lane="local",
        prompt="demo_choose_route",
        prompt_values={"options": "#routes"},
        answer_schema=_CHOICE_SCHEMA,
        verifier=ROUTE_CHECK,
        tool="choose_route",
        arguments={"routes": "#routes"},
    )


def _passages(query: VoyageQuery | None) -> tuple[str, ...]:
    """Passages that some way between the ports uses; all of them while a port is left to the model to choose."""
    if query is None:
        return tuple(PASSAGES)
    elsewhere = places(query)
    ends = [elsewhere.get(port, port) for port in (query.origin, query.destination)]
    ways = find_corridors(*ends, avoid=query.avoid)
    return tuple(dict.fromkeys(passage for way in ways for passage in way.route.passages))
