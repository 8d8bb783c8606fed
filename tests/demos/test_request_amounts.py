from __future__ import annotations

import pytest

from pilotfish.demos.request_amounts import read_amounts


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("8,000 TEU", "teu", 8000), ("8.000 TEU", "teu", 8000), ("8 000 teu", "teu", 8000), ("8k TEU", "teu", 8000),
        ("eight thousand TEU", "teu", 8000), ("six hundred and fifty TEU", "teu", 650), ("200 FEU", "teu", 400),
        ("400 forty-footers", "teu", 800), ("300 x 40'HC", "teu", 600), ("30 x 20'", "teu", 30),
        ("TEU: 500", "teu", 500),
        ("100 TEU and 50 FEU", "teu", 200), ("120 containers of 40 feet", "teu", 240),
        ("two hundred containers", "teu", 200),
        ("a 14,000 TEU vessel carrying 9,000 TEU", "teu", 9000), ("a 4,250-TEU vessel", "teu", 4250),
        ("draft 14.5 m", "draft_m", 14.5), ("14,5 m draught", "draft_m", 14.5),
        ("drawing 47 ft 6 in", "draft_m", 14.48),
        ("draught of 47'6\"", "draft_m", 14.48), ("draft 1450 cm", "draft_m", 14.5),
        ("a 39-foot draft", "draft_m", 11.89),
        ("twelve metres of draught", "draft_m", 12), ("draft_m=11.2".replace("_", " "), "draft_m", 11.2),
        ("draft between 12 and 14 m", "draft_m", 14),
        ("a 366 m ship, 48 m beam, 12 m draft, 20 knots", "draft_m", 12),
        ("$1.2 million", "max_cost_usd", 1.2e6), ("USD 2.5m", "max_cost_usd", 2.5e6),
        ("1.4M USD", "max_cost_usd", 1.4e6),
        ("900 thousand dollars", "max_cost_usd", 9e5), ("half a million dollars", "max_cost_usd", 5e5),
        ("one point two million dollars", "max_cost_usd", 1.2e6),
        ("USD one million two hundred thousand", "max_cost_usd", 1.2e6),
        ("one and a half million dollars", "max_cost_usd", 1.5e6), ("1 450 000 USD", "max_cost_usd", 1.45e6),
        ("USD 1.200.000", "max_cost_usd", 1.2e6), ("1,5 million USD", "max_cost_usd", 1.5e6),
        ("budget 750k", "max_cost_usd", 750e3),
        ("$500 per TEU for 400 TEU", "max_cost_usd", 200e3), ("between $1m and $1.2m", "max_cost_usd", 1.2e6),
    ],
)  # fmt: skip
def test_an_amount_is_read_in_the_unit_of_the_query(text: str, field: str, value: float) -> None:
    amounts = read_amounts(text)
    assert amounts.values(field) == [pytest.approx(value)]
    assert amounts.refusals == ()


@pytest.mark.parametrize(
    "text", ["a ship of 366 m", "48 m beam", "14,000 nm", "at 20 knots", "goods worth $5m", "$30,000 a day"]
)
def test_other_numbers_fill_no_field(text: str) -> None:
    assert read_amounts(text).found == ()


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("€500,000", "euros"),
        ("500k EUR", "euros"),
        ("£80k", "pounds"),
        ("2 million yen", "yen"),
        ("CHF 300", "Swiss francs"),
    ],
)
def test_another_currency_is_refused_by_name(text: str, currency: str) -> None:
    (refusal,) = read_amounts(text).refusals
    assert currency in refusal
    assert "US dollars" in refusal


@pytest.mark.parametrize(
    "text",
    [
        "-20 TEU",
        "0 TEU",
        "zero containers",
        "a draft of minus 3 m",
        "budget -$5000",
        "$0",
        "2.5 TEU",
        "draft 366 m",
    ],
)
def test_a_number_that_cannot_be_is_refused(text: str) -> None:
    assert read_amounts(text).refusals


def test_two_values_for_one_field_contradict_each_other() -> None:
    (refusal,) = read_amounts("draft 12 m, later draft 14 m").refusals
    assert "'draft 12 m'" in refusal
    assert "'draft 14 m'" in refusal


def test_a_draft_too_large_for_metres_and_without_a_unit_is_asked_about() -> None:
    ((field, question),) = read_amounts("draft 47").ambiguous
    assert field == "draft_m"
    assert "feet" in question


def test_boxes_of_no_stated_size_leave_a_note() -> None:
    (amount,) = read_amounts("12 containers").found
    assert "twenty-foot" in amount.note
