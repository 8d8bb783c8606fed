from __future__ import annotations

import json
from datetime import date
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.demos.limits import Limit, newest, read_limits

NOTICE = (
    "- Panama Canal maximum authorised draft — 13.41 m (44.0 ft), dated 2026-11-02, source ACP [simulated]."
)


def read_limit(text: str, what: str, *, subject: str | None = None) -> Limit | None:
    found = [each for each in read_limits(text) if each.name == what and subject in (None, each.subject)]
    return newest(found) if found else None


def test_a_notice_gives_value_date_source_and_mark() -> None:
    limit = read_limit(NOTICE, "max_draft_m", subject="panama")
    assert limit is not None
    assert (limit.value, limit.unit, limit.date) == (13.41, "m", date(2026, 11, 2))
    assert limit.source == "ACP"
    assert limit.simulated
    assert limit.quote in NOTICE


@pytest.mark.parametrize(
    "wording",
    [
        "Maximum authorised draft: 13.0 m (42.7 ft) — Panama Canal Authority, advisory, 2026-06-01.",
        "* The Panama Canal's maximum permissible draught is now 13.0 metres, dated 2026-06-01.",
        "Panama Canal, max. authorized draft\nof 13 m, dated 2026-06-01, source ACP.",
    ],
)
def test_wording_around_a_figure_may_vary(wording: str) -> None:
    (limit,) = read_limits(wording, heading="Panama Canal > Notices")
    assert (limit.subject, limit.name, limit.value, limit.date) == (
        "panama",
        "max_draft_m",
        13.0,
        date(2026, 6, 1),
    )


def test_feet_become_metres() -> None:
    limit = read_limit("Suez Canal maximum draft 66 ft, dated 2026-01-01, source SCA.", "max_draft_m")
    assert limit is not None
    assert limit.value == pytest.approx(20.1168)


@pytest.mark.parametrize(
    ("sentence", "start", "end"),
    [
        (
            "Suez Canal status — closed to commercial traffic from 2026-12-01 to 2026-12-20, dated 2026-11-20.",
            1,
            20,
        ),
        ("The Suez Canal is closed to all traffic since 2026-12-01 until 2026-12-20.", 1, 20),
        ("Suez Canal status — suspended, dated 2026-11-20, source SCA.", None, None),
    ],
)
def test_closures_have_a_window(sentence: str, start: int | None, end: int | None) -> None:
    limit = read_limit(sentence, "status")
    assert limit is not None
    assert limit.unit == "closed"
    assert limit.start == (date(2026, 12, start) if start else None)
    assert limit.end == (date(2026, 12, end) if end else None)


def test_history_in_prose_is_not_a_limit() -> None:
    assert read_limits("In 2023 and 2024 the draft of the Panama Canal stood at 13.41 m for months.") == []
    assert read_limits("Ships wait off Suez. It is not closed.") == []


def test_a_sentence_speaks_of_the_passage_it_names_first() -> None:
    text = "The Suez Canal status — open, dated 2026-11-01. Bab-el-Mandeb is closed to all shipping, dated 2026-11-02."
    assert [(each.subject, each.unit) for each in read_limits(text)] == [
        ("suez", "open"),
        ("babalmandab", "closed"),
    ]


def test_the_newer_notice_counts_and_on_one_day_the_stricter() -> None:
    def draft(value: float, day: int) -> Limit:
        text = f"Panama Canal maximum draft — {value} m, dated 2026-11-{day:02}, source ACP."
        return read_limits(text)[0]

    assert newest([draft(15.24, 2), draft(13.4, 1)]).value == 15.24
    assert newest([draft(15.24, 2), draft(13.4, 2)]).value == 13.4


@given(st.floats(5, 25).map(lambda metres: round(metres, 2)), st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_any_draft_and_date_are_read_back(metres: float, day: date) -> None:
    text = f"Suez Canal maximum draft — {metres} m, dated {day.isoformat()}, source SCA."
    (limit,) = read_limits(text)
    assert (limit.value, limit.date) == (metres, day)
    assert Limit.from_json(json.loads(json.dumps(limit.as_json()))) == limit


def test_every_figure_line_of_the_corpus_is_read_dated_and_sourced() -> None:
    for file in (resources.files("pilotfish.demos") / "corpus").iterdir():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("- ") and "risk level" not in line:
                limits = read_limits(line)
                assert limits, line
                assert all(limit.date and limit.source for limit in limits), line
                assert all(limit.simulated == ("[simulated]" in line) for limit in limits)
