"""Every prompt as a versioned file under `files/`, and the loader. A prompt is never built inside a graph node."""

from __future__ import annotations

from .choice import PromptChoice, choose_prompts
from .prompt import Prompt, RenderedPrompt, load_prompt, prompt_names

__all__ = ["Prompt", "PromptChoice", "RenderedPrompt", "choose_prompts", "load_prompt", "prompt_names"]
