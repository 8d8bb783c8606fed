from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

import pytest

from pilotfish import DataPolicy, UsageError
from pilotfish.models.detection import Detector, PatternDetector

CASES: dict[str, list[str]] = {
    "pay with 4111 1111 1111 1111": ["CREDIT_CARD"],
    "pay with 4111 1111 1111 1112": [],  # the check digit is wrong
    "write to Bob.O-Brien+x@mail.example.co.uk today": ["EMAIL_ADDRESS"],
    "write to bob@corp.local": ["EMAIL_ADDRESS"],  # a firm's own network
    "IBAN GB82 WEST 1234 5698 7654 32": ["IBAN_CODE"],
    "the server 10.0.0.7, call +49 30 901820": ["IP_ADDRESS", "PHONE_NUMBER"],
    "account 1234567890": ["US_BANK_NUMBER"],
    "a draw of 1234567890": [],  # the same digits, and nothing says what they are
    "How far is 10,514 nm at 14 knots from 2026-11-22?": [],
    "The Suez Canal admits a draft of 20.1 m.": [],
    "": [],
}
KINDS = ["CREDIT_CARD", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_BANK_NUMBER"]
FETCHLESS = """
import json, socket, sys
def refuse(*_args, **_kwargs):
    raise AssertionError("something was fetched")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from pilotfish import UsageError
from pilotfish.models.detection import PatternDetector
kinds, texts = json.loads(sys.argv[1])
assert "presidio_analyzer" not in sys.modules
found = [[[f.kind, f.start, f.end] for f in PatternDetector(kinds).detect(text)] for text in texts]
try:
    PatternDetector(["CREDITCARD"]).detect("x")
except UsageError as error:
    print(json.dumps([found, str(error)]))
"""


@pytest.fixture(scope="module")
def detected() -> tuple[list[list[tuple[str, int, int]]], str]:
    """What Presidio finds in each case, by a process that can open no connection; and what an unknown kind says."""
    if importlib.util.find_spec("presidio_analyzer") is None:
        pytest.skip("needs the extra 'pii'")
    asked = json.dumps([KINDS, list(CASES)])
    done = subprocess.run(
        [sys.executable, "-c", FETCHLESS, asked], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, said = json.loads(done.stdout)
    return found, said


def test_each_kind_is_found_without_a_language_model_or_a_fetch(detected: Any) -> None:
    by_text = {
        text: [kind for kind, _, _ in found if kind != "PHONE_NUMBER" or "+" in text]
        for text, found in zip(CASES, detected[0], strict=True)
    }
    assert by_text == CASES
    for text, found in zip(CASES, detected[0], strict=True):
        assert all(0 <= start < end <= len(text) for _, start, end in found)


def test_an_unknown_kind_names_the_nearest(detected: Any) -> None:
    assert "'CREDITCARD', which no pattern finds; the nearest kind is 'CREDIT_CARD'" in detected[1]


def test_without_the_extra_a_policy_that_detects_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str, *_more: Any) -> None:
        assert name == "presidio_analyzer"

    monkeypatch.setattr(importlib.util, "find_spec", missing)
    with pytest.raises(UsageError, match=r"pip install 'pilotfish\[pii\]'"):
        DataPolicy(detect={"CREDIT_CARD": "restricted"})
    assert DataPolicy().detector is None
    assert isinstance(PatternDetector([]), Detector)
