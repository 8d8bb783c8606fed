from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from pilotfish.lab import bench_decision
from pilotfish.lab.bench import find_bench
from pilotfish.lab.bench_decision import Contender, contenders_of, figures_of, run, text_of, texts_of
from pilotfish.lab.router_speed import BATCH, Timing, measure

TIMINGS = {
    "learned": Timing(single_s=0.001, batch_s=0.0005, slow=False),
    "rules": Timing(single_s=0.0001, batch_s=0.0001, slow=False),
    "MiniLM encode": Timing(single_s=0.01, batch_s=0.005, slow=False),
}
CONTENDERS = [
    Contender(name="learned", work=len, apgr=0.55),
    Contender(name="rules", work=len, apgr=None),
]


def test_no_text_is_timed_twice_and_works_take_turns() -> None:
    seen: list[tuple[str, tuple[str, ...]]] = []

    def note(name: str) -> bench_decision.Work:
        return lambda texts: seen.append((name, tuple(texts)))

    found = measure({"a": note("a"), "b": note("b")}, ["x", "y"], batch=3, rounds=2)
    texts = [text for _, given in seen for text in given]
    assert len(set(texts)) == len(texts)
    assert [name for name, _ in seen[4:]] == ["a", "b"] * 4
    assert [len(given) for _, given in seen[-4:]] == [3] * 4
    assert not found["a"].slow


def test_shares_of_an_encode_are_within_one_run() -> None:
    figures = figures_of(CONTENDERS, TIMINGS)
    assert figures["learned_single_over_encode"] == pytest.approx(0.1)
    assert figures["learned_batch_over_encode"] == pytest.approx(0.1)
    assert (figures["learned_apgr"], figures["encode_single_ms"]) == (0.55, 10.0)
    assert "rules_apgr" not in figures
    without = figures_of(CONTENDERS, {name: TIMINGS[name] for name in ("learned", "rules")})
    assert not any("encode" in name for name in without)


def test_the_table_shows_the_trade_and_what_is_missing() -> None:
    text = text_of(CONTENDERS, TIMINGS, {"knn": "no weights; pull them"}, table=None)
    assert "| rules | 100 µs | 1/100 | 100 µs | 1/50 | – |" in text
    assert "| learned | 1,000 µs | 1/10 | 500 µs | 1/10 | 0.550 |" in text
    assert "`learned` is above the aim of 1/20 of an encode: 1/10 alone" in text
    assert "- `knn`: no weights; pull them" in text
    assert "pilotfish models pull minilm-l6" in text_of(
        CONTENDERS[:1], {"learned": TIMINGS["learned"]}, {}, table=None
    )


def test_policies_without_weights_or_labels_are_skipped_with_the_reason() -> None:
    found, skipped = contenders_of(None)
    names = {contender.name for contender in found}
    assert {"learned", "rules", "always-large"} <= names
    assert "pilotfish models pull smollm2-135m" in skipped["llm"]
    assert "pilotfish models pull minilm-l6" in skipped["knn"]
    assert names.isdisjoint(skipped)


def test_the_bench_runs_without_weights_and_leaves_the_home_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def two(_: object) -> list[str]:
        return texts_of(None)[:2]

    def rules_only(_: object) -> tuple[list[Contender], dict[str, str]]:
        found, skipped = contenders_of(None)
        return [one for one in found if one.name == "rules"], skipped

    monkeypatch.setattr(bench_decision, "texts_of", two)
    monkeypatch.setattr(bench_decision, "contenders_of", rules_only)
    before = os.environ["PILOTFISH_HOME"]
    report = find_bench("decision")(None)
    assert set(report.figures) == {"rules_single_us", "rules_batch_us"}
    assert os.environ["PILOTFISH_HOME"] == before
    assert not Path(before).exists()
    assert run is find_bench("decision")


def test_the_texts_are_as_many_as_a_batch_holds() -> None:
    texts: Sequence[str] = texts_of(None)
    assert len(set(texts)) == len(texts) == BATCH
