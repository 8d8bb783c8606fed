"""A data policy as a file: YAML or TOML with a rule by data class, and the classes of what is detected.

classes:
  restricted: {localities: [local], models: ["smollm2-*"], keep_content: false}
detect:
  CREDIT_CARD: restricted
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import UsageError
from .data_policy import DataPolicy, Rule, nearest
from .spec import Locality


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    localities: tuple[Locality, ...]
    models: tuple[str, ...] = ("*",)
    keep_content: bool = True


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    classes: dict[str, _Entry] = Field(min_length=1)
    detect: dict[str, str] = Field(default_factory=dict)


class _StrictLoader(yaml.SafeLoader):
    """YAML in which a name stands once: of two rules for one class the later would win unseen."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} stands there twice; keep one", node.start_mark
                )
        return super().construct_mapping(node, deep=deep)


def load_data_policy(path: Path | str) -> DataPolicy:
    """The policy in a `.yaml`, `.yml`, `.json` or `.toml` file. Its rules are all there are: nothing is added to them.

    Raises `UsageError` naming the file, the entry and the remedy.
    """
    path = Path(path).expanduser()
    try:
        return _policy(_File.model_validate(_read(path)))
    except ValidationError as error:
        faults = "; ".join(_explain(fault) for fault in error.errors(include_url=False))
        raise UsageError(f"the data policy {str(path)!r} cannot be used: {faults}") from None
    except UsageError as error:
        raise UsageError(f"the data policy {str(path)!r} cannot be used: {error}") from None


def as_data_policy(given: DataPolicy | Path | str) -> DataPolicy:
    """A policy as it is, or the one in a file."""
    return given if isinstance(given, DataPolicy) else load_data_policy(given)


def _policy(file: _File) -> DataPolicy:
    rules = {
        name: Rule(localities=entry.localities, models=entry.models, keep_content=entry.keep_content)
        for name, entry in file.classes.items()
    }
    return DataPolicy(rules=rules, detect=file.detect)


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"it cannot be read: {error.strerror}; give the path of a YAML or TOML file"
        ) from None
    except UnicodeDecodeError:
        raise UsageError("it is not text in UTF-8") from None
    try:
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"it is not {'TOML' if path.suffix == '.toml' else 'YAML'}: {error}") from None


def _explain(fault: Any) -> str:
    where = ".".join(map(str, fault["loc"])) or "the whole file"
    if fault["type"] == "extra_forbidden":
        known = list(_File.model_fields if len(fault["loc"]) == 1 else _Entry.model_fields)
        return f"{where!r} is not known; the nearest is {nearest(str(fault['loc'][-1]), known)!r}"
    if fault["type"] == "missing":
        example = "[local]" if fault["loc"][-1] == "localities" else "{restricted: {localities: [local]}}"
        return f"{where!r} is missing; write {fault['loc'][-1]}: {example}"
    if fault["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return f"{where!r} is {fault['input']!r}; write names with values, such as localities: [local]"
    if fault["type"] == "tuple_type":
        one = fault["input"] if isinstance(fault["input"], str) else "local"
        return f"{where!r} is {fault['input']!r}; write a list: [{one}]"
    return f"{where!r} is {fault['input']!r}: {fault['msg'].removeprefix('Value error, ')}"
