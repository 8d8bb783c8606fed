from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.router.listing import list_policies
from pilotfish.router.load import load_policy, policy_names
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy

MODULE = '''
from pilotfish import Decision

class Coin:
    """Heads for the large model."""

    def __init__(self, side):
        self._side = side

    def decide(self, subtasks):
        lane = "large" if self._side == "heads" else "local"
        return [
            Decision(
                kind="reasoning", lane="tool" if s.tool else lane, p_reasoning=0.5, confidence=0.5,
                reason=self._side, policy="coin", version="1",
            )
            for s in subtasks
        ]

def make(*, side="heads"):
    return Coin(side)

def nothing():
    return None

not_callable = 3
'''
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution with these entry points on `sys.path`: a real one, as pip leaves it behind."""
    modules: list[str] = []

    def put(distribution: str, entries: str, *, module: str = MODULE) -> str:
        folder = tmp_path / distribution
        name = f"{distribution.replace('-', '_')}_module"
        info = folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (folder / f"{name}.py").write_text(module)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[pilotfish.policies]\n{entries.replace('MODULE', name)}\n")
        (info / "RECORD").write_text("")
        monkeypatch.syspath_prepend(folder)
        modules.append(name)
        return name

    yield put
    for name in modules:
        sys.modules.pop(name, None)


def test_another_packages_policy_goes_by_its_name(install: Install) -> None:
    module = install("coin-policy", "coin = MODULE:make")
    assert "coin" in policy_names()
    assert module not in sys.modules, "knowing its name imports nothing"
    policy = load_policy("coin", side="tails")
    check_policy(policy)
    assert policy.decide([Subtask(id="a", text="x")])[0].reason == "tails"
    with pytest.raises(UsageError, match="policy 'coin' has no option 'weight'; it takes 'side'"):
        load_policy("coin", weight=3)


def test_listing_names_the_package_and_imports_nothing(install: Install) -> None:
    module = install("coin-policy", "coin = MODULE:make")
    (row,) = [row for row in list_policies() if row.name == "coin"]
    assert (row.source, row.summary) == ("coin-policy 1.2", f"{module}:make")
    assert module not in sys.modules


def test_a_near_miss_names_it(install: Install) -> None:
    install("coin-policy", "coin-toss = MODULE:make")
    with pytest.raises(UsageError, match="unknown policy 'cointoss', did you mean 'coin-toss'"):
        load_policy("cointoss")


def test_a_shipped_name_wins_and_the_listing_says_so(install: Install) -> None:
    install("coin-policy", "learned = MODULE:make")
    assert load_policy("learned").decide([Subtask(id="a", text="x")])[0].policy == "learned"
    (row,) = [row for row in list_policies() if row.name == "learned"]
    assert row.source == "pilotfish"
    assert row.note == "coin-policy 1.2 registers this name too; the shipped policy wins"


def test_two_packages_with_one_name_are_both_named(install: Install) -> None:
    install("coin-policy", "coin = MODULE:make")
    install("other-policy", "coin = MODULE:make")
    with pytest.raises(
        UsageError, match=r"'coin' is registered by .*-policy 1\.2 and .*-policy 1\.2; uninstall one"
    ):
        load_policy("coin")
    (row,) = [row for row in list_policies() if row.name == "coin"]
    assert {"coin-policy 1.2", "other-policy 1.2"} == set(row.source.split(" and "))
    assert "cannot be loaded" in row.note


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("MODULE:missing", "cannot be imported: AttributeError"),
        ("no_such_module:make", "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("MODULE:not_callable", "is no function that makes a policy"),
        ("MODULE:nothing", "came out as None, which has no method decide"),
    ],
)
def test_a_policy_that_cannot_be_made_is_an_error_that_names_it(
    install: Install, entry: str, message: str
) -> None:
    install("broken-policy", f"broken = {entry}")
    with pytest.raises(UsageError, match=message) as raised:
        load_policy("broken")
    assert "broken-policy 1.2" in str(raised.value) or "'broken'" in str(raised.value)


def test_a_module_that_crashes_on_import_leaves_the_other_policies_alone(install: Install) -> None:
    install("broken-policy", "broken = MODULE:make", module="1 / 0")
    assert load_policy("rules")
    assert "broken" in policy_names()
    with pytest.raises(UsageError, match=r"the package broken-policy 1\.2 .* ZeroDivisionError"):
        load_policy("broken")
