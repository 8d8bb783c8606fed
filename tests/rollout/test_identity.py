"""What a canary compares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.models.settings import load_settings
from pilotfish.models.spec import ModelSpec, Sampling
from pilotfish.prompts.prompt import Prompt
from pilotfish.rollout.identity import Identity, identity_of, parse_spec

MODEL = ModelSpec(id="tiny", engine="llamacpp", sha256="ab" * 32)
PROMPT = Prompt(name="ask", version="1", messages=(("user", "$question"),))


@pytest.mark.parametrize(
    ("text", "model", "prompts", "sampling"),
    [
        ("smollm2-135m", "smollm2-135m", (), {}),
        ("m:prompt=ask@2", "m", ("ask@2",), {}),
        ("m:prompt=ask=worse.md,other@3", "m", ("ask=worse.md", "other@3"), {}),
        ("m:prompt=ask@2:temperature=0.7:top_k=40", "m", ("ask@2",), {"temperature": 0.7, "top_k": 40}),
        (
            "openai/x@http://127.0.0.1:8000/v1:prompt=ask@2",
            "openai/x@http://127.0.0.1:8000/v1",
            ("ask@2",),
            {},
        ),
    ],
)
def test_a_spec_is_taken_apart(
    text: str, model: str, prompts: tuple[str, ...], sampling: dict[str, float]
) -> None:
    spec = parse_spec(text)
    assert (spec.model, spec.prompts, dict(spec.sampling)) == (model, prompts, sampling)


@pytest.mark.parametrize("text", ["", ":prompt=ask@2", "m:prompt=ask", "m:prompt=", "m:temperature=warm"])
def test_a_spec_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_spec(text)


def test_files_of_a_spec_are_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").mkdir()
    monkeypatch.chdir(tmp_path)
    spec = parse_spec("own:prompt=ask=worse.md:temperature=0.5").located()
    assert spec.text == f"{tmp_path / 'own'}:prompt=ask={tmp_path / 'worse.md'}:temperature=0.5"
    assert parse_spec(spec.text) == spec
    assert parse_spec("smollm2-135m:prompt=ask@2").located().text == "smollm2-135m:prompt=ask@2"


@pytest.mark.parametrize("text", ["m:temprature=1", "m:top_k=4:temprature=1"])
def test_a_setting_that_there_is_none_of_is_named_with_the_nearest(text: str) -> None:
    with pytest.raises(UsageError, match="unknown setting 'temprature', the nearest is 'temperature'"):
        parse_spec(text)


def test_the_sampling_of_a_spec_is_the_models(tmp_path: Path) -> None:
    model = parse_spec("smollm2-135m:temperature=0.7").model_spec(load_settings(home=tmp_path))
    assert model.sampling.temperature == 0.7
    assert model.digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(MODEL, id="other"),
        replace(MODEL, sha256="cd" * 32),
        replace(MODEL, engine="transformers"),
        replace(MODEL, sampling=Sampling(temperature=0.1)),
    ],
)
def test_whatever_of_the_model_changes_makes_another_identity(changed: ModelSpec) -> None:
    one, other = (identity_of(model, prompts=[PROMPT]) for model in (MODEL, changed))
    assert one.digest != other.digest
    assert other.differs(one)


def test_a_prompt_with_another_text_or_version_or_another_verifier_makes_another_identity() -> None:
    one = identity_of(MODEL, prompts=[PROMPT], verifiers=("schema",))
    others = [
        identity_of(MODEL, prompts=[replace(PROMPT, version="2")], verifiers=("schema",)),
        identity_of(MODEL, prompts=[replace(PROMPT, messages=(("user", "?"),))], verifiers=("schema",)),
        identity_of(MODEL, prompts=[PROMPT], verifiers=("schema", "arithmetic")),
    ]
    assert len({each.digest for each in (one, *others)}) == 4
    assert all(len(each.differs(one)) == 1 for each in others)


def test_how_it_was_written_and_in_which_order_makes_no_difference() -> None:
    other = replace(PROMPT, name="zeta")
    one = identity_of(MODEL, prompts=[PROMPT, other], verifiers=("b", "a"), spec="one")
    two = identity_of(MODEL, prompts=[other, PROMPT], verifiers=("a", "b"), spec="another")
    assert one.digest == two.digest
    assert one.differs(two) == []
    assert Identity.from_json(one.to_json()) == one


def test_what_has_no_digest_or_no_prompt_version_is_refused() -> None:
    with pytest.raises(UsageError, match="pilotfish models pull tiny"):
        identity_of(replace(MODEL, sha256=""), prompts=[PROMPT])
    with pytest.raises(UsageError, match="'ask' has no prompt version"):
        identity_of(MODEL, prompts=[replace(PROMPT, version="")])
    with pytest.raises(UsageError, match="no prompt version"):
        identity_of(MODEL, prompts=[])


def test_a_file_that_stands_in_for_a_prompt_is_known_by_the_name_that_is_asked_for() -> None:
    short = replace(PROMPT, name="short", version="short-1")
    one = identity_of(MODEL, prompts=[PROMPT])
    two = identity_of(MODEL, prompts={PROMPT.name: short}, files={PROMPT.name: "/here/short.md"})
    (told,) = two.differs(one)
    assert told.startswith(f"prompt {PROMPT.name} {PROMPT.version} (")
    assert "→ short-1 (short, " in told
    again = Identity.from_json(two.to_json())
    assert again == two
    assert again.prompts[PROMPT.name].file == "/here/short.md"
    moved = identity_of(MODEL, prompts={PROMPT.name: short}, files={PROMPT.name: "/there/short.md"})
    assert (moved.digest, moved.differs(two), moved == two) == (two.digest, [], True)
    named = identity_of(MODEL, prompts={PROMPT.name: replace(PROMPT, name="short")})
    assert named.digest != one.digest


def test_a_record_written_before_files_had_names_is_read_and_has_the_same_digest() -> None:
    one = identity_of(MODEL, prompts=[PROMPT])
    (row,) = one.to_json()["prompts"].values()
    assert set(row) == {"version", "digest"}
    filed = identity_of(MODEL, prompts=[PROMPT], files={PROMPT.name: "/here/ask.md"})
    assert (filed.digest, filed) == (one.digest, one)
    assert Identity.from_json(one.to_json()).prompts[PROMPT.name].file == ""
