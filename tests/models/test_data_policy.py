from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import DataPolicy, UsageError
from pilotfish.models.data_policy import Rule, locality_of, place_refusal
from pilotfish.models.data_policy_file import load_data_policy
from pilotfish.models.detection import Finding

RULES = {
    "open": Rule(localities=("local", "remote")),
    "house": Rule(localities=("local", "remote"), models=("own-*", "small")),
    "secret": Rule(localities=("local",), keep_content=False),
    "sealed": Rule(localities=()),
}
PLACES: list[Any] = [("local", "small"), ("remote", "own-large"), ("remote", "vendor"), ("remote", "")]


def test_a_class_goes_only_where_its_rule_says() -> None:
    policy = DataPolicy(rules=RULES)
    allowed = {
        name: [
            place for place in PLACES if policy.refusal([name], locality=place[0], model_id=place[1]) is None
        ]
        for name in RULES
    }
    assert allowed == {
        "open": PLACES,
        "house": [("local", "small"), ("remote", "own-large"), ("remote", "")],
        "secret": [("local", "small")],
        "sealed": [],
    }


@given(st.sets(st.sampled_from([*RULES, "unheard-of"]), min_size=1), st.sampled_from(PLACES))
def test_text_of_several_classes_goes_only_where_each_of_them_may(names: set[str], place: Any) -> None:
    policy = DataPolicy(rules=RULES)

    def may(classes: set[str]) -> bool:
        return policy.refusal(classes, locality=place[0], model_id=place[1]) is None

    assert may(names) == all(may({name}) for name in names)


def test_no_class_and_a_class_without_a_rule_go_nowhere_not_even_to_a_local_model() -> None:
    policy = DataPolicy()
    assert "no data class" in str(policy.refusal([], locality="local"))
    why = str(policy.refusal(["restrictd"], locality="local", model_id="smollm2-135m"))
    assert "'restrictd' has no rule, so it goes nowhere" in why
    assert "the nearest one that has is 'restricted'" in why
    assert "there are: none" in str(DataPolicy(rules={}).refusal(["public"], locality="local"))


def test_content_is_kept_only_where_every_class_lets_it_be() -> None:
    policy = DataPolicy(rules=RULES)
    assert policy.keeps_content(["open", "house"])
    assert not policy.keeps_content(["open", "secret"])
    assert not policy.keeps_content(["open", "unheard-of"])
    assert not policy.keeps_content([])


class Words:
    def detect(self, text: str) -> tuple[Finding, ...]:
        kinds = {"card": "CREDIT_CARD", "mail": "EMAIL_ADDRESS", "odd": "ODD"}
        return tuple(Finding(kind=kind, start=0, end=1) for word, kind in kinds.items() if word in text)


def test_what_is_detected_has_the_class_the_policy_gives_its_kind() -> None:
    policy = DataPolicy(detect={"CREDIT_CARD": "restricted", "EMAIL_ADDRESS": "internal"}, detector=Words())
    assert policy.detected("my card", "", "my mail and card") == ("internal", "restricted")
    assert policy.detected("something odd") == ()
    assert DataPolicy().detected("my card") == ()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Rule(localities="local"), "localities are 'local'; give a tuple"),  # type: ignore[arg-type]
        (lambda: Rule(localities=("cloud",)), "the locality 'cloud'; there are: local, remote"),  # type: ignore[arg-type]
        (lambda: Rule(localities=("local",), models="small"), "models are 'small'; give a tuple"),  # type: ignore[arg-type]
        (
            lambda: DataPolicy(detect={"IBAN_CODE": "restrictd"}, detector=Words()),
            "detect gives IBAN_CODE the data class 'restrictd'.*nearest one that has is 'restricted'",
        ),
    ],
)
def test_a_rule_that_would_not_mean_what_it_says_is_refused(make: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make()


class Thing:
    def __init__(self, **said: Any) -> None:
        self.__dict__.update(said)


@pytest.mark.parametrize(
    ("thing", "locality"),
    [
        (Thing(), "remote"),
        (Thing(locality="local"), "local"),
        (Thing(metadata={"pilotfish.locality": "local"}), "local"),
        (Thing(metadata={"other": "local"}), "remote"),
        (Thing(metadata=None), "remote"),
        (Thing(locality="remote", metadata={"pilotfish.locality": "local"}), "remote"),
    ],
)
def test_what_does_not_say_where_text_goes_is_remote(thing: Thing, locality: str) -> None:
    assert locality_of(thing) == locality


def test_a_locality_that_is_no_word_of_ours_is_refused() -> None:
    with pytest.raises(UsageError, match="declares the locality 'here'; it is one of: local, remote"):
        locality_of(Thing(locality="here"))


def test_a_refused_place_says_how_to_declare_it() -> None:
    silent = str(place_refusal("tool", Thing(name="lookup", metadata=None), ["restricted"], DataPolicy()))
    assert "the tool 'lookup', which does not say where text goes" in silent
    assert "metadata={'pilotfish.locality': 'local'}" in silent
    outside = str(place_refusal("retriever", Thing(locality="remote"), ["restricted"], DataPolicy()))
    assert "the retriever 'Thing', which is remote" in outside
    assert "declare" not in outside


YAML = """
classes:
  open: {localities: [local, remote]}
  house: {localities: [local, remote], models: ["own-*", small]}
  secret: {localities: [local], keep_content: false}
  sealed: {localities: []}
"""
TOML = """
[classes]
open = {localities = ["local", "remote"]}
house = {localities = ["local", "remote"], models = ["own-*", "small"]}
secret = {localities = ["local"], keep_content = false}
sealed = {localities = []}
"""


@pytest.mark.parametrize(("name", "text"), [("policy.yaml", YAML), ("policy.toml", TOML)])
def test_a_file_says_the_same_as_python(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert dict(load_data_policy(path).rules) == RULES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the whole file.*is None; write names with values"),
        ("classes: {}", "'classes'"),
        ("detect: {}", "'classes' is missing; write classes: {restricted: {localities"),
        (
            "clases: {}\nclasses: {a: {localities: [local]}}",
            "'clases' is not known; the nearest is 'classes'",
        ),
        ("classes: {a: {localities: [lokal]}}", "'classes.a.localities.0' is 'lokal'.*'local' or 'remote'"),
        ("classes: {a: {localities: local}}", "'classes.a.localities' is 'local'; write a list: .local."),
        ("classes: {a: {}}", "'classes.a.localities' is missing; write localities: .local."),
        (
            "classes: {a: {locality: [local]}}",
            "'classes.a.locality' is not known; the nearest is 'localities'",
        ),
        ("classes: {a: local}", "'classes.a' is 'local'; write names with values"),
        (
            "classes: {a: {localities: [local]}}\ndetect: {IBAN_CODE: b}",
            "detect gives IBAN_CODE the data class 'b'.*has no rule",
        ),
        (
            "classes:\n  a: {localities: [local]}\n  a: {localities: [remote]}",
            "'a' stands there twice; keep one",
        ),
        ("classes: [", "is not YAML"),
    ],
)
def test_a_file_that_will_not_do_names_file_entry_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=f"(?s)policy.yaml' cannot be used: .*{said}"):
        load_data_policy(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"cannot be read: No such file.*give the path of a YAML or TOML file"
    ):
        load_data_policy(tmp_path / "none.yaml")
    (tmp_path / "bad.toml").write_text("[")
    with pytest.raises(UsageError, match="is not TOML"):
        load_data_policy(tmp_path / "bad.toml")
