from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.demos.request_date_roles import find_durations, give_roles
from pilotfish.demos.request_dates import add_months, find_dates

TODAY = date(2026, 11, 21)


def read(text: str) -> list[tuple[str, str]]:
    found = give_roles(text, find_dates(text, today=TODAY))
    return [(item.role, item.day.isoformat() if item.day else "?") for item in found]


@given(st.dates(min_value=date(2026, 11, 21), max_value=date(2035, 12, 31)))
def test_one_day_reads_the_same_in_every_unambiguous_form(day: date) -> None:
    forms = ["%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%d.%m.%Y", "%Y%m%d", "%d%b%Y"]
    for form in forms:
        assert read(f"ready {day.strftime(form)}") == [("ready", day.isoformat())], form


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ready 3 March 2027 and due 10 April 2027", [("ready", "2027-03-03"), ("arrive_by", "2027-04-10")]),
        (
            "March 3rd, 2027 ready, April 10 2027 latest",
            [("ready", "2027-03-03"), ("arrive_by", "2027-04-10")],
        ),
        (
            "must be in Hamburg by 10 April, loading Santos 1 March",
            [("arrive_by", "2027-04-10"), ("ready", "2027-03-01")],
        ),
        ("25/4/2027 ready, arrive 3/5/2027", [("ready", "2027-04-25"), ("arrive_by", "2027-05-03")]),
        ("laycan 1-5 March 2027", [("ready", "2027-03-01")]),
        ("departing between 2027-03-01 and 2027-03-05", [("ready", "2027-03-01")]),
        ("between 1 March 2027 and 15 April 2027", [("ready", "2027-03-01"), ("arrive_by", "2027-04-15")]),
        ("needed by the tenth of April", [("arrive_by", "2027-04-10")]),
        ("no earlier than 5 May 2027", [("ready", "2027-05-05")]),
        ("ready today", [("ready", "2026-11-21")]),
        ("leave tomorrow", [("ready", "2026-11-22")]),
        ("departure next Tuesday", [("ready", "2026-11-24")]),
        ("by the end of May 2027", [("arrive_by", "2027-05-31")]),
        ("before Christmas", [("arrive_by", "2026-12-25")]),
        ("ready on Friday 5 February 2027", [("ready", "2027-02-05")]),
        ("may we go", []),
        ("available 24/7", []),
    ],
)
def test_dates_and_what_they_are_for(text: str, expected: list[tuple[str, str]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("ready 3/4/2027", "2027-04-03"), ("ready 3/4/2027", "2027-03-04"), ("ready 31 April 2027", "not a day"),
        ("ready in March", "whole month"), ("ready next week", "not one day"), ("ready early March", "not one day"),
        ("ready 1/3", "1 March"),
    ],
)  # fmt: skip
def test_what_is_not_one_day_is_asked_about(text: str, phrase: str) -> None:
    (found,) = find_dates(text, today=TODAY)
    assert found.day is None
    assert phrase in found.question


@pytest.mark.parametrize(
    ("text", "days", "role"),
    [
        ("ready in 30 days", 30, "ready"), ("arrive within 35 days of loading", 35, "arrive_by"),
        ("delivered two weeks later", 14, "arrive_by"), ("a transit of at most 30 days", 30, ""),
        ("sail from Darwin to Jakarta in 10 days", 10, ""),
    ],
)  # fmt: skip
def test_durations(text: str, days: int, role: str) -> None:
    (found,) = find_durations(text)
    assert (found.days, found.role) == (days, role)
    assert found.after(TODAY) == TODAY + timedelta(days=days)


def test_months_keep_the_day_or_end_with_the_month() -> None:
    assert add_months(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert add_months(date(2026, 11, 5), 3) == date(2027, 2, 5)
