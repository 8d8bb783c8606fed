"""What a canary compares: a model with its weights' digest, the prompts it is sent, sampling, engine and verifiers.

A SPEC is how a user writes one: `MODEL[:prompt=NAME@VERSION,NAME=FILE.md][:temperature=0.7]`. Prompts are loaded by
the caller: here they are only names, versions and texts.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from .. import UsageError
from ..models.load import parse_model
from ..models.spec import ModelSpec, Sampling
from ..models.weights import pin

if TYPE_CHECKING:
    from ..models.settings import Settings

_SAMPLING = {"temperature": float, "top_p": float, "top_k": int, "max_tokens": int}
_HOW = "write MODEL, MODEL:prompt=NAME@VERSION,NAME=FILE.md or MODEL:temperature=0.7"


class VersionedPrompt(Protocol):
    """What a prompt is here: a name, a version and the text of its messages."""

    @property
    def name(self) -> str:
        """What it is asked for by."""
        ...

    @property
    def version(self) -> str:
        """Which of its texts this is."""
        ...

    @property
    def messages(self) -> tuple[tuple[str, str], ...]:
        """Role and text of each message."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A SPEC, taken apart."""

    text: str
    """As the user wrote it."""
    model: str
    """What `models.load.parse_model` takes."""
    prompts: tuple[str, ...] = ()
    """`NAME@VERSION` or `NAME=FILE.md`, which `prompts.choose_prompts` takes."""
    sampling: Mapping[str, float | int] = field(default_factory=dict[str, float | int])

    def located(self) -> Spec:
        """The same with absolute paths, so that a process in another folder reads the same files."""
        model = str(Path(self.model).expanduser().absolute()) if _is_path(self.model) else self.model
        prompts = tuple(_located(each) for each in self.prompts)
        options = [f"prompt={','.join(prompts)}"] if prompts else []
        options += [f"{name}={value}" for name, value in self.sampling.items()]
        return replace(self, text=":".join((model, *options)), model=model, prompts=prompts)

    def model_spec(self, settings: Settings) -> ModelSpec:
        """The model, with the digest of the weights on this disk and the sampling that was asked for."""
        spec = pin(parse_model(self.model, settings=settings), home=settings.home)
        return replace(spec, sampling=replace(spec.sampling, **self.sampling))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptIdentity:
    """One version of one prompt."""

    version: str
    digest: str
    """First 16 hexadecimal digits of the sha256 of its messages."""
    name: str = ""
    """What it calls itself, and calls are recorded under; empty where that is what it is asked for by."""
    file: str = field(default="", compare=False)
    """Where it was read from, if it did not ship; wherever it lies, the same text is the same prompt."""

    def to_json(self) -> dict[str, str]:
        """As JSON data, without what is empty."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One arm of a canary. Two are the same when their digests are."""

    model_id: str
    model_digest: str
    prompts: Mapping[str, PromptIdentity]
    """Every prompt that the arm may send, by the name it is asked for, which another's file may stand in for."""
    sampling: Sampling
    engine: str
    verifiers: tuple[str, ...] = ()
    """Names of what checks its answers."""
    spec: str = ""
    """How the user wrote it, from which another process builds it again; no part of the digest."""

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that stand for everything but how it was written."""
        prompts = {name: replace(prompt, file="") for name, prompt in self.prompts.items()}
        content = replace(self, prompts=prompts, spec="").to_json()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """The identity as JSON data."""
        return {
            **asdict(replace(self, prompts={})),
            "prompts": {name: prompt.to_json() for name, prompt in sorted(self.prompts.items())},
            "verifiers": sorted(self.verifiers),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Identity:
        """The identity that `to_json` wrote."""
        prompts = {name: PromptIdentity(**prompt) for name, prompt in data["prompts"].items()}
        verifiers = tuple(data["verifiers"])
        plain = {name: str(data[name]) for name in ("model_id", "model_digest", "engine", "spec")}
        return cls(prompts=prompts, sampling=Sampling(**data["sampling"]), verifiers=verifiers, **plain)

    def differs(self, other: Identity) -> list[str]:
        """What tells the two apart, in words."""
        mine, theirs = self.to_json(), other.to_json()
        plain = ("model_id", "model_digest", "sampling", "engine", "verifiers")
        changed = [
            words
            for name in plain
            if mine[name] != theirs[name]
            for words in _changed(name, theirs[name], mine[name])
        ]
        for name in sorted({*self.prompts, *other.prompts}):
            before, after = other.prompts.get(name), self.prompts.get(name)
            if before != after:
                changed.append(f"prompt {name} {_named(before)} → {_named(after)}")
        return changed


def parse_spec(text: str) -> Spec:
    """Take a SPEC apart. `UsageError` names the part that means nothing."""
    first = min(
        (at for key in ("prompt", *_SAMPLING) if (at := text.find(f":{key}=")) >= 0), default=len(text)
    )
    model, options = text[:first], text[first + 1 :]
    _refuse_unknown(text, model)
    prompts: list[str] = []
    sampling: dict[str, float | int] = {}
    for option in _options(options):
        key, _, value = option.partition("=")
        if key == "prompt":
            prompts += [part.strip() for part in value.split(",")]
        else:
            _refuse_unknown(text, value)
            sampling[key] = _number(text, key, value)
    wrong = [part for part in prompts if not ("@" in part or "=" in part)]
    if not model or wrong:
        raise UsageError(
            f"{text!r} names {'no model' if not model else f'no prompt by {wrong[0]!r}'}: {_HOW}"
        )
    return Spec(text=text, model=model, prompts=tuple(prompts), sampling=sampling)


def identity_of(
    model: ModelSpec,
    *,
    prompts: Iterable[VersionedPrompt] | Mapping[str, VersionedPrompt],
    files: Mapping[str, str] | None = None,
    verifiers: Iterable[str] = (),
    spec: str = "",
) -> Identity:
    """The identity of an arm. `UsageError` when the model has no digest, or there is no prompt with a version.

    A mapping of `prompts`, and of `files`, is by the names that prompts are asked for; else each goes by its own name.
    """
    named = (
        cast("Mapping[str, VersionedPrompt]", prompts)
        if isinstance(prompts, Mapping)
        else {prompt.name: prompt for prompt in prompts}
    )
    paths = files or {}
    known = {name: prompt_identity(each, name=name, file=paths.get(name, "")) for name, each in named.items()}
    # A hub's revision may be a branch, which moves: weights on this disk are known by their digest alone.
    if not (model.sha256 if model.engine in ("llamacpp", "transformers") else model.digest):
        raise UsageError(
            f"model {model.id!r} has no digest, so nothing says what is compared: "
            f"run `pilotfish models pull {model.id}`"
        )
    unversioned = [name for name, prompt in known.items() if not prompt.version]
    if not known or unversioned:
        what = f"prompt {unversioned[0]!r} has" if unversioned else f"{spec or model.id!r} comes with"
        raise UsageError(f"{what} no prompt version, so nothing says what the model is sent")
    return Identity(
        model_id=model.id,
        model_digest=model.digest,
        prompts=known,
        sampling=model.sampling,
        engine=model.engine,
        verifiers=tuple(sorted(verifiers)),
        spec=spec,
    )


def prompt_identity(prompt: VersionedPrompt, *, name: str, file: str = "") -> PromptIdentity:
    """Version and digest of the prompt that is sent where `name` is asked for."""
    text = json.dumps([list(message) for message in prompt.messages])
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    called = "" if prompt.name == name else prompt.name
    return PromptIdentity(version=prompt.version, digest=digest, name=called, file=file)


def _is_path(model: str) -> bool:
    return model.endswith(".gguf") or Path(model).expanduser().is_dir()


def _located(prompt: str) -> str:
    name, found, path = prompt.partition("=")
    return f"{name}={Path(path).expanduser().absolute()}" if found and path.endswith(".md") else prompt


def _options(text: str) -> list[str]:
    """`KEY=VALUE` parts; a colon that no known key follows belongs to the value before it."""
    parts: list[str] = []
    for part in text.split(":") if text else []:
        if part.partition("=")[0] in ("prompt", *_SAMPLING):
            parts.append(part)
        else:
            parts[-1] += f":{part}"
    return parts


def _refuse_unknown(text: str, part: str) -> None:
    """A setting that there is none of would otherwise count as a part of what stands before it."""
    found = re.search(r":([A-Za-z_]\w*)=", part)
    if found:
        known = ("prompt", *_SAMPLING)
        near = difflib.get_close_matches(found[1], known, n=1, cutoff=0.0)[0]
        raise UsageError(
            f"{text!r}: unknown setting {found[1]!r}, the nearest is {near!r} (there are: {', '.join(known)})"
        )


def _number(text: str, key: str, value: str) -> float | int:
    try:
        return _SAMPLING[key](value)
    except ValueError:
        raise UsageError(f"{text!r}: {key} must be a number, not {value!r}") from None


def _changed(name: str, before: Any, after: Any) -> list[str]:
    """What became of one part, in words: of the sampling the settings that changed, of a digest its beginning."""
    if isinstance(before, dict):
        return [
            f"{key} {before.get(key)} → {after.get(key)}" for key in after if before.get(key) != after[key]
        ]
    if isinstance(before, list):
        return [f"{name} {', '.join(before) or 'none'} → {', '.join(after) or 'none'}"]
    if name == "model_digest":
        return [f"{name} {before[:8]} → {after[:8]}"]
    return [f"{name} {before} → {after}"]


def _named(prompt: PromptIdentity | None) -> str:
    if prompt is None:
        return "none"
    return f"{prompt.version} ({f'{prompt.name}, ' if prompt.name else ''}{prompt.digest[:8]})"
