from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.outputs import ChatResult
from langchain_openai import ChatOpenAI

from pilotfish import ModelSpec, UsageError
from pilotfish.models.data_policy import LOCALITY
from pilotfish.models.load import is_loopback, load_chat, parse_model, spec_for
from pilotfish.models.settings import load_settings
from pilotfish.models.weights import WeightsError


def test_an_endpoint_is_named_alone_or_with_its_address() -> None:
    settings = load_settings(openai_base_url="https://models.example/v1", openai_price_in=2.0)
    spec = parse_model("openai/big", settings=settings)
    assert (spec.id, spec.source, spec.revision) == ("openai/big", "https://models.example/v1", "big")
    assert (spec.locality, spec.price_in) == ("remote", 2.0)
    here = parse_model("openai/owner/small@http://127.0.0.1:8000/v1", settings=settings)
    assert (here.source, here.revision, here.locality, here.price_in) == (
        "http://127.0.0.1:8000/v1",
        "owner/small",
        "local",
        0.0,
    )


def test_a_catalogue_model_behind_an_endpoint_is_sampled_and_thinks_as_its_card_says() -> None:
    spec = parse_model("openai/WeiboAI/VibeThinker-3B@http://127.0.0.1:8000/v1", settings=load_settings())
    assert (spec.thinking, spec.sampling.temperature, spec.sampling.max_tokens) == ("tags", 1.0, 65_536)


@pytest.mark.parametrize("name", ["openai/", "openai/m@nowhere", "openai/@http://127.0.0.1/v1"])
def test_half_an_endpoint_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not an endpoint"):
        parse_model(name, settings=load_settings())


def test_the_key_goes_to_the_endpoint_it_was_set_for_and_to_no_other() -> None:
    settings = load_settings(openai_base_url="https://models.example/v1", openai_api_key="secret")
    key = {}
    for name in ("openai/m", "openai/m@https://elsewhere.example/v1", "openai/m@https://models.example/v2"):
        chat, _ = load_chat(name, settings=settings)
        key[name] = chat.openai_api_key.get_secret_value()
    assert list(key.values()) == ["secret", "none", "secret"]


def test_a_gguf_file_of_ones_own_is_known_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "My-VibeThinker-3B-Q4_K_M.gguf"
    file.write_bytes(b"GGUF")
    spec = parse_model(str(file), settings=load_settings())
    assert (spec.engine, spec.id, spec.thinking) == ("llamacpp", "My-VibeThinker-3B-Q4_K_M", "tags")
    assert spec.digest == hashlib.sha256(b"GGUF").hexdigest()


def test_a_safetensors_folder_is_for_transformers_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither a \.gguf file nor a folder"):
        parse_model(str(tmp_path), settings=load_settings())
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert parse_model(str(tmp_path), settings=load_settings()).engine == "transformers"


def test_a_name_that_means_nothing_and_an_embedder_are_refused() -> None:
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        load_chat("smollm2", settings=load_settings())
    with pytest.raises(UsageError, match="cannot chat"):
        load_chat("minilm-l6", settings=load_settings())


def test_absent_weights_are_found_out_before_the_first_call() -> None:
    with pytest.raises(WeightsError, match="pilotfish models pull smollm2-135m"):
        load_chat("smollm2-135m", settings=load_settings())


def test_a_chat_model_brought_along_is_taken_as_it_is() -> None:
    fake = GenericFakeChatModel(messages=iter([]))
    model, spec = load_chat(fake, settings=load_settings())
    assert model is fake
    assert (spec.engine, spec.id, spec.locality) == ("langchain", "GenericFakeChatModel", "local")


def test_where_a_model_brought_along_runs_is_read_from_its_address() -> None:
    near = spec_for(ChatOpenAI(model="a", base_url="http://localhost:1/v1", api_key="k"))
    far = spec_for(ChatOpenAI(model="a", api_key="k"))
    assert (near.id, near.locality, far.locality) == ("a", "local", "remote")
    assert near.digest


class Hosted(BaseChatModel):
    """Such as one of a cloud's SDK: its address and credentials are nowhere that we know to look."""

    @property
    def _llm_type(self) -> str:
        return "hosted"

    def _generate(self, *_args: Any, **_kwargs: Any) -> ChatResult:
        raise NotImplementedError


def test_a_model_that_does_not_say_where_text_goes_is_remote() -> None:
    assert spec_for(Hosted()).locality == "remote"
    assert spec_for(Hosted(metadata={LOCALITY: "local"})).locality == "local"
    with pytest.raises(UsageError, match="declares the locality 'here'"):
        spec_for(Hosted(metadata={LOCALITY: "here"}))


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000", True),
        ("http://localhost", True),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://any.localhost", False),  # a resolver may ask the network for it
        ("http://[::ffff:127.0.0.1]", True),
        ("http://[::ffff:8.8.8.8]", False),
        ("https://10.0.0.1", False),
    ],
)
def test_what_counts_as_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_a_spec_can_be_given_itself(tmp_path: Path) -> None:
    spec = ModelSpec(id="mine", engine="openai", source="http://127.0.0.1:9/v1", revision="mine")
    chat, same = load_chat(spec, settings=load_settings())
    assert same is spec
    assert chat.max_retries == 0


@pytest.mark.parametrize("source", ["https://api.example.com/v1", "http://10.0.0.1:8000/v1"])
def test_an_endpoint_beyond_the_loopback_is_remote_also_where_its_spec_does_not_say_so(source: str) -> None:
    spec = ModelSpec(id="mine", engine="openai", source=source, revision="mine")
    _, loaded = load_chat(spec, settings=load_settings())
    assert loaded.locality == "remote"
    with pytest.raises(UsageError, match="air-gapped"):
        load_chat(spec, settings=load_settings().model_copy(update={"air_gapped": True}))
