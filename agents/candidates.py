"""From the candidate of a rollout to a lane: its model and prompts, after making sure that they are what was meant."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from .. import PilotfishError, UsageError
from ..models.load import load_chat
from ..models.settings import Settings
from ..prompts import PromptChoice, choose_prompts
from ..prompts.prompt import PromptError
from ..router.policy import LaneName
from ..router.subtask import Subtask
from .attempt import Attempt
from .caller import Model
from .canary import Canary, lanes_within
from .lane import Lane, LaneContext
from .model_lane import ModelLane
from .retrieval_lane import RetrievalLane

if TYPE_CHECKING:
    from ..rollout.identity import Identity
    from ..rollout.rollout import Rollout, Rollouts
    from ..tracing.ledger import Ledger

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Stands in a canary for a candidate that cannot be had: every attempt fails, and says why."""

    why: str

    async def attempt(self, _subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Fail as a model that cannot be reached."""
        return Attempt(lane=context.lane, failure="model_unavailable", detail=self.why)


class Candidates:
    """The candidates of one agent: each is loaded once, when a run first meets its rollout."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, Model] = {}
        self._rollouts: Rollouts | None = None

    def rollouts(self, ledger: Ledger) -> list[Rollout]:
        """The active rollouts, kept open from run to run: each observation is read once."""
        from ..rollout.rollout import Rollouts

        if self._rollouts is None:
            self._rollouts = Rollouts(ledger)
        return self._rollouts.active()

    def shadowing(self, ledger: Ledger) -> bool:
        """Whether some rollout is in shadow."""
        return any(rollout.state == "shadow" for rollout in self.rollouts(ledger))

    def around(self, lane: Lane, rollout: Rollout) -> Lane:
        """The lane in a canary of the rollout, where it is what the rollout calls its baseline; else the lane."""
        leaf = _leaf(lane)
        if leaf is None or not _is(leaf, rollout.baseline) or _has_canary(lane, rollout.id):
            return lane
        try:
            candidate = _swapped(lane, self._candidate(leaf, rollout.candidate))
        except PilotfishError as error:
            logger.warning("canary %s: its candidate cannot be had: %s", rollout.id, error)
            candidate = Absent(why=str(error))
        return Canary(lane, candidate, rollout, _changed(rollout.baseline, rollout.candidate))

    def _candidate(self, leaf: ModelLane | RetrievalLane, wanted: Identity) -> ModelLane | RetrievalLane:
        model, prompts = self._model(leaf, wanted), _prompts(leaf.prompts, wanted)
        if isinstance(leaf, ModelLane):
            return replace(leaf, model=model, prompts=prompts)
        return replace(leaf, reader=model, prompts=prompts)

    def _model(self, leaf: ModelLane | RetrievalLane, wanted: Identity) -> Model:
        mine = _model_of(leaf)
        if _same_model(mine, wanted):
            return mine
        from ..rollout.identity import parse_spec

        if wanted.digest not in self._models:
            spec = parse_spec(wanted.spec or wanted.model_id).model_spec(self._settings)
            chat, spec = load_chat(spec, settings=self._settings)
            loaded = Model(chat=chat, spec=spec)
            if not _same_model(loaded, wanted):
                raise UsageError(
                    f"{wanted.spec or wanted.model_id!r} is not what the canary was started with: "
                    f"its digest is {spec.digest!r}, it was {wanted.model_digest!r}"
                )
            self._models[wanted.digest] = loaded
        return self._models[wanted.digest]


def may_shadow(lanes: Mapping[LaneName, Lane], candidates: Candidates | None, ledger: Ledger) -> bool:
    """Whether a run of these lanes may leave a shadow behind: a rollout is in shadow, or a canary was given."""
    given = any(isinstance(each, Canary) for lane in lanes.values() for each in lanes_within(lane))
    return given or (candidates is not None and candidates.shadowing(ledger))


def lanes_in_canaries(
    lanes: Mapping[LaneName, Lane], candidates: Candidates | None, ledger: Ledger
) -> Mapping[LaneName, Lane]:
    """The lanes of a run: those that an active rollout of the ledger is about, each in its canary."""
    if candidates is None:
        return lanes
    found = dict(lanes)
    for rollout in candidates.rollouts(ledger):
        for name, stable in lanes.items():
            wrapped = candidates.around(stable, rollout)
            if wrapped is not stable and isinstance(wrapped, Canary):
                found[name] = replace(wrapped, stable=found[name])
    return found


def _leaf(lane: Lane) -> ModelLane | RetrievalLane | None:
    """The first lane within that asks a model."""
    return next((each for each in lanes_within(lane) if isinstance(each, ModelLane | RetrievalLane)), None)


def _has_canary(lane: Lane, rollout_id: str) -> bool:
    """Whether the user put it into a canary of that rollout already."""
    return any(isinstance(each, Canary) and each.rollout.id == rollout_id for each in lanes_within(lane))


def _swapped(lane: Lane, leaf: ModelLane | RetrievalLane) -> Lane:
    """The lane with its first asking lane replaced."""
    if isinstance(lane, ModelLane | RetrievalLane):
        return leaf
    assert is_dataclass(lane)  # noqa: S101 - the leaf was found in it
    for each in fields(lane):
        held: object = getattr(lane, each.name)
        many = cast("tuple[object, ...]", held) if isinstance(held, tuple) else (held,)
        for place, inner in enumerate(many):
            if isinstance(inner, Lane) and _leaf(inner) is not None:
                swapped = _swapped(inner, leaf)
                value = (*many[:place], swapped, *many[place + 1 :]) if isinstance(held, tuple) else swapped
                return cast("Lane", replace(cast("Any", lane), **{each.name: value}))
    return leaf


def _model_of(leaf: ModelLane | RetrievalLane) -> Model:
    return leaf.model if isinstance(leaf, ModelLane) else leaf.reader


def _same_model(model: Model, identity: Identity) -> bool:
    spec = model.spec
    mine = (spec.digest, spec.sampling, spec.engine)
    return mine == (identity.model_digest, identity.sampling, identity.engine)


def _is(leaf: ModelLane | RetrievalLane, identity: Identity) -> bool:
    """Whether a lane asks this model, with these versions of the prompts."""
    from ..rollout.identity import prompt_identity

    split = any(len(leaf.prompts.references.get(name, ())) > 1 for name in identity.prompts)
    if split or not _same_model(_model_of(leaf), identity):
        return False
    try:
        return all(
            prompt_identity(leaf.prompts.load(name), name=name) == each
            for name, each in identity.prompts.items()
        )
    except PromptError:  # a prompt that is not there, or whose file changed, is none of this lane's
        return False


def _prompts(mine: PromptChoice, wanted: Identity) -> PromptChoice:
    """The lane's choice with the candidate's in its place; a text that changed since is refused."""
    from ..rollout.identity import parse_spec, prompt_identity

    named = parse_spec(wanted.spec).prompts if wanted.spec else ()
    versions = {name: (each.version,) for name, each in wanted.prompts.items()}
    own = choose_prompts(named).references
    files = {name: (each.file,) for name, each in wanted.prompts.items() if each.file}
    choice = PromptChoice(references={**mine.references, **versions, **own, **files})
    for name, each in wanted.prompts.items():
        if prompt_identity(choice.load(name), name=name) != each:
            raise UsageError(
                f"prompt {name!r} is not what the canary was started with (version {each.version!r}): "
                "put the text back, or roll back and start another canary"
            )
    return choice


def _changed(baseline: Identity, candidate: Identity) -> frozenset[str]:
    """The prompts in which two arms differ, where nothing else tells them apart; none means everything counts."""
    same = ("model_digest", "sampling", "engine")
    if any(getattr(baseline, name) != getattr(candidate, name) for name in same):
        return frozenset()
    names = {*baseline.prompts, *candidate.prompts}
    return frozenset(name for name in names if baseline.prompts.get(name) != candidate.prompts.get(name))
