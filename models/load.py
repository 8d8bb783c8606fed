"""From what a user wrote (an id, a path, an endpoint's name, a chat model) to a chat model and its spec."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

from .. import UsageError
from .air_gap import stays_here
from .catalogue import CATALOGUE, find_model
from .data_policy import locality_of
from .manifest import file_sha256
from .settings import Settings
from .spec import Locality, ModelSpec, Sampling, Thinking
from .weights import pin, resolve_weights

ENDPOINT = "openai/"
_IN_PROCESS = (f"{__name__.partition('.')[0]}.", "langchain_core.language_models.fake")
"""Modules of chat models that work in this process, unless they have an address."""


def load_chat(
    model: str | ModelSpec | BaseChatModel, *, settings: Settings, fetch: bool = False
) -> tuple[BaseChatModel, ModelSpec]:
    """A chat model ready to be called, and its spec.

    `model` is a catalogue id, the path of a .gguf file or a safetensors folder, `openai/NAME` or
    `openai/NAME@BASE_URL`, a spec, or any LangChain chat model. Weights are checked here and loaded later. A spec of an
    endpoint beyond the loopback is `remote`, whatever it says: `local` is only the default there.
    Raises `UsageError` for a name that means nothing, `WeightsError` for weights that are not there.
    """
    if isinstance(model, BaseChatModel):
        return model, spec_for(model)
    spec = model if isinstance(model, ModelSpec) else parse_model(model, settings=settings)
    if spec.engine == "openai" and spec.locality == "local" and not is_loopback(spec.source):
        spec = replace(spec, locality="remote")
    if settings.air_gapped and spec.locality == "remote":
        raise UsageError(
            f"model {spec.id!r} is at {spec.source!r}, and air-gapped mode reaches this machine only"
        )
    if spec.engine == "openai":
        from .openai_engine import endpoint_chat

        return endpoint_chat(spec, settings), spec
    if spec.engine not in ("llamacpp", "transformers"):
        raise UsageError(f"model {spec.id!r} runs on the {spec.engine!r} engine and cannot chat")
    path = resolve_weights(spec, home=settings.home, fetch=fetch)
    spec = pin(spec, home=settings.home)
    if spec.engine == "transformers":
        from .transformers_engine import TransformersChat

        return TransformersChat(
            path=path, model_id=spec.id, sampling=spec.sampling, context=spec.context
        ), spec
    from .llamacpp import LlamaCppChat

    chat = LlamaCppChat(
        path=path,
        model_id=spec.id,
        sampling=spec.sampling,
        context=spec.context,
        threads=settings.threads,
        slots=settings.slots,
    )
    return chat, spec


def parse_model(model: str, *, settings: Settings) -> ModelSpec:
    """The spec that a user's string means."""
    if model in CATALOGUE:
        return CATALOGUE[model]
    if model.startswith(ENDPOINT):
        return _endpoint(model, settings)
    path = Path(model).expanduser()
    if path.suffix == ".gguf" or "/" in model or path.is_dir():
        return _own_weights(path, settings)
    return find_model(model)


def spec_for(model: BaseChatModel) -> ModelSpec:
    """The spec of a chat model the caller brought along, from what it tells of itself.

    It is `local` where its metadata says so under `pilotfish.locality`, its address is on the loopback, or its class is
    known to work in this process; any other may send text anywhere, and is `remote`.
    """
    name = _text(model, "model_name", "model", "model_id") or type(model).__name__
    base_url = _text(model, "openai_api_base", "base_url", "api_base", "endpoint")
    stays = is_loopback(base_url) if base_url else _works_in_process(model)
    return ModelSpec(
        id=name,
        engine="langchain",
        source=base_url,
        revision=f"{type(model).__module__.split('.')[0]}/{name}",
        locality=locality_of(model, undeclared="local" if stays else "remote"),
    )


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine."""
    return stays_here(urlsplit(url).hostname or "")


def _endpoint(model: str, settings: Settings) -> ModelSpec:
    name, _, address = model.removeprefix(ENDPOINT).partition("@")
    base_url = address or settings.openai_base_url
    if not name or urlsplit(base_url).scheme not in ("http", "https"):
        raise UsageError(
            f"model {model!r} is not an endpoint: write 'openai/NAME' (PILOTFISH_OPENAI_BASE_URL says where) "
            "or 'openai/NAME@http://HOST:PORT/v1'"
        )
    kin = _kin(name)
    locality: Locality = "local" if is_loopback(base_url) else "remote"
    return ModelSpec(
        id=f"{ENDPOINT}{name}",
        engine="openai",
        source=base_url,
        revision=name,
        sampling=kin.sampling if kin else Sampling(max_tokens=2048),
        context=kin.context if kin else 131_072,
        thinking=kin.thinking if kin else "none",
        price_in=settings.openai_price_in if locality == "remote" else 0.0,
        price_out=settings.openai_price_out if locality == "remote" else 0.0,
        locality=locality,
    )


def _kin(name: str) -> ModelSpec | None:
    """The catalogue model a server or a quantised file is named after: it is sampled, and thinks, alike."""
    named = ((spec.source.rpartition("/")[2].lower(), spec) for spec in CATALOGUE.values() if spec.source)
    return next((spec for base, spec in named if base in name.lower()), None)


def _own_weights(path: Path, settings: Settings) -> ModelSpec:
    path = path.absolute()
    kin = _kin(path.name)
    sampling = kin.sampling if kin else Sampling(max_tokens=1024)
    thinking: Thinking = kin.thinking if kin else "none"
    if path.is_file() and path.suffix == ".gguf":
        return ModelSpec(
            id=path.stem,
            engine="llamacpp",
            source=str(path),
            sha256=file_sha256(path),
            sampling=sampling,
            thinking=thinking,
            context=settings.context,
        )
    tensors = sorted(path.glob("*.safetensors"))
    if tensors and (path / "config.json").is_file():
        digests = "\n".join(f"{file.name} {file_sha256(file)}" for file in tensors)
        return ModelSpec(
            id=path.name,
            engine="transformers",
            source=str(path),
            sha256=hashlib.sha256(digests.encode()).hexdigest(),
            sampling=sampling,
            thinking=thinking,
            context=kin.context if kin else 0,
        )
    raise UsageError(
        f"{str(path)!r} is neither a .gguf file nor a folder with config.json and .safetensors files; "
        f"the models known by name are: {', '.join(CATALOGUE)}"
    )


def _text(model: BaseChatModel, *names: str) -> str:
    values: list[Any] = [getattr(model, name, None) for name in names]
    return next((value for value in values if isinstance(value, str) and value), "")


def _works_in_process(model: BaseChatModel) -> bool:
    """Whether it is an engine or a fake that makes no connection, or made from one."""
    return any(cls.__module__.startswith(_IN_PROCESS) for cls in type(model).__mro__)
