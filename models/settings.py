"""Settings: arguments beat the environment (`PILOTFISH_…`) beat `pilotfish.toml` beat the defaults."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .. import UsageError
from .air_gap import seal

_PREFIX = "PILOTFISH_"
_TOML = Path("pilotfish.toml")
_RESERVED = "PILOTFISH_TEST_"


class Settings(BaseSettings):
    """Everything that can be set from outside. `load_settings` builds it and explains what is wrong."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, toml_file=_TOML, extra="forbid", frozen=True)

    home: Path = Field(default_factory=lambda: user_data_path("pilotfish"))
    """Where the ledger, weights, stores and caches live."""
    local: str = "smollm2-135m"
    """The small model."""
    large: str | None = None
    """The large model, e.g. `openai/NAME`."""
    policy: str = "learned"
    """The router policy."""
    openai_base_url: str = "https://api.openai.com/v1"
    """The endpoint behind `openai/NAME`."""
    openai_api_key: SecretStr | None = None
    """Sent to `openai_base_url` and nowhere else."""
    openai_price_in: float = Field(default=0.0, ge=0)
    """US dollars per million input tokens at that endpoint."""
    openai_price_out: float = Field(default=0.0, ge=0)
    """US dollars per million output tokens at that endpoint."""
    air_gapped: bool = False
    """Refuse every connection beyond the loopback, for the whole process."""
    keep_content: bool = True
    """Whether the ledger keeps texts besides their hashes; a data class may forbid it for its own."""
    prices: Path | None = None
    """A price table in TOML; without one a model costs what its spec says."""
    data_policy: Path | None = None
    """Which data may go where, in YAML or TOML; None takes the shipped policy."""
    otlp_endpoint: str | None = Field(default=None, pattern="^https?://[^/]")
    """A collector of traces and metrics that takes OTLP over HTTP, e.g. `http://127.0.0.1:4318`; None sends nothing."""
    trace_content: bool = False
    """Whether prompts, answers and passages go with the traces, as far as the data policy lets them."""
    langsmith: bool = False
    """Whether LangSmith's own environment variables may switch its tracing on within runs."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of the local model; None is one for each core."""
    context: int = Field(default=8192, ge=2048)
    """Tokens of prompt and answer together, for each slot of a .gguf file of your own."""
    slots: int = Field(default=4, ge=1)
    """Requests the local model works on at once."""

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, file, in this order; no `.env` and no secret files."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: Any) -> Settings:
    """Read the settings. An override that is None counts as not given; `UsageError` names what is wrong.

    With `air_gapped` set, the process is sealed before this returns.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    _reject_unknown(given, "setting", str)
    _reject_unknown(_environment_keys(), "environment variable", lambda key: _PREFIX + key.upper())
    _reject_unknown(_toml_keys(), f"key of {_TOML}", str)
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise UsageError(_explain(error)) from None
    if settings.air_gapped:
        seal()
    return settings


def _environment_keys() -> list[str]:
    names = [name for name in os.environ if name.upper().startswith(_PREFIX)]
    return [name[len(_PREFIX) :].lower() for name in names if not name.upper().startswith(_RESERVED)]


def _toml_keys() -> list[str]:
    if not _TOML.is_file():
        return []
    try:
        return list(tomllib.loads(_TOML.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(_TOML)!r} is not valid TOML: {error}") from None


def _reject_unknown(keys: Iterable[str], what: str, spell: Any) -> None:
    known = list(Settings.model_fields)
    for key in keys:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            raise UsageError(f"unknown {what} {spell(key)!r}; the nearest one is {spell(near)!r}")


def _explain(error: ValidationError) -> str:
    return f"a setting cannot be used: {'; '.join(_told(fault) for fault in error.errors())}"


def _told(fault: Any) -> str:
    """What is wrong with a setting, under the name it was given by; the value of a key is not shown."""
    name = ".".join(map(str, fault["loc"]))
    variable = _PREFIX + name.upper()
    from_environment = any(
        each.upper() == variable and os.environ[each] == fault["input"] for each in os.environ
    )
    where = repr(variable if from_environment else name)
    if fault["type"].startswith("bool"):
        return f"{where} is {fault['input']!r}; write true or false"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"
