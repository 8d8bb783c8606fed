from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.rollout.bucketing import in_candidate, position

UNITS = st.text(st.characters(), max_size=30)  # lone surrogates too
SHARES = st.floats(0, 1)


@given(UNITS, UNITS, SHARES, SHARES)
def test_raising_the_share_moves_nobody_out(unit: str, salt: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert in_candidate(unit, salt=salt, share=high) or not in_candidate(unit, salt=salt, share=low)


@given(UNITS, UNITS)
def test_a_unit_stands_in_the_half_open_interval(unit: str, salt: str) -> None:
    assert 0 <= position(unit, salt=salt) < 1
    assert not in_candidate(unit, salt=salt, share=0)
    assert in_candidate(unit, salt=salt, share=1)


def _chi_square(places: list[float], cells: int) -> float:
    counts = [0] * cells
    for place in places:
        counts[int(place * cells)] += 1
    expected = len(places) / cells
    return sum((count - expected) ** 2 / expected for count in counts)


@pytest.mark.parametrize("unit", ["tenant-{}", "{}", "run-2026-11-22-{:08x}"])
def test_units_that_look_alike_are_spread_evenly(unit: str) -> None:
    places = [position(unit.format(n), salt="r1") for n in range(20_000)]
    assert _chi_square(places, 100) < 148.2  # the 99.9 % point for 99 degrees of freedom


def test_another_salt_shuffles_independently() -> None:
    both = sum(
        in_candidate(str(n), salt="a", share=0.5) and in_candidate(str(n), salt="b", share=0.5)
        for n in range(20_000)
    )
    assert abs(both - 5_000) < 4 * math.sqrt(20_000 * 0.25 * 0.75)


def test_salt_and_unit_are_not_run_together() -> None:
    assert position("bc", salt="a") != position("c", salt="ab")
    assert position("1:x", salt="") != position("x", salt="1:")


def test_another_process_says_the_same() -> None:
    units = ["acme", "ünï", ""]
    program = (
        "from pilotfish.rollout.bucketing import position;"
        f"print([position(unit, salt='r1') for unit in {units!r}])"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert answers == {str([position(unit, salt="r1") for unit in units])}


def test_a_place_never_changes_between_versions() -> None:
    assert position("acme", salt="r1") == 0.8404076976148561


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan, 50])
def test_a_share_outside_the_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="is not a share"):
        in_candidate("acme", salt="r1", share=share)
