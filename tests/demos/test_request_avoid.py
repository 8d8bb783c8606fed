from __future__ import annotations

import pytest

from pilotfish.demos.request_avoid import PASSAGES, read_avoid


@pytest.mark.parametrize(
    ("text", "avoid"),
    [
        ("not through the Red Sea", ["babalmandab"]), ("stay clear of Panama", ["panama"]),
        ("no Cape", ["south_africa"]),
        ("without transiting Bab el-Mandeb", ["babalmandab"]), ("don't go round Africa", ["south_africa"]),
        ("avoid Suez, Panama and the Cape", ["suez", "panama", "south_africa"]), ("Suez is closed", ["suez"]),
        ("via the Cape instead of Suez", ["suez"]), ("via Suez, not the Cape", ["south_africa"]),
        ("no canals", ["suez", "panama"]),
        ("Neither Suez nor Panama", ["suez", "panama"]), ("avoid Suez and go via the Cape", ["suez"]),
        ("Suez-free", ["suez"]),
        ("keep away from Hormuz", ["ormuz"]), ("not around the Horn", ["chili"]), ("skip the Bosporus", ["bosporus"]),
        ("the Panama Canal is off the table", ["panama"]), ("avoid Suze canal", ["suez"]), ("via Suez only", []),
        ("no later than 3 April via Suez", []), ("to Cape Town from Panama", []), ("avoid delays", []),
        ("the Red Sea is too dangerous", ["babalmandab"]), ("no Sunda Strait", ["sunda"]),
        ("stay out of the Arctic", ["northwest", "bering"]),
    ],
)  # fmt: skip
def test_only_what_is_ruled_out_is_avoided(text: str, avoid: list[str]) -> None:
    assert list(read_avoid(text).avoid) == avoid


@pytest.mark.parametrize("passage", PASSAGES)
def test_every_passage_can_be_named_as_the_query_names_it(passage: str) -> None:
    assert read_avoid(f"avoid {passage}").avoid == (passage,)


def test_a_passage_both_used_and_avoided_is_a_contradiction() -> None:
    assert "contradicts" in read_avoid("avoid Suez but go through the Suez Canal").refusals[0]


def test_avoiding_everything_is_refused() -> None:
    assert read_avoid("avoid all passages").refusals


@pytest.mark.parametrize("text", ["avoid the South China Sea", "avoid the canal", "avoid war zones"])
def test_what_is_no_passage_is_asked_about(text: str) -> None:
    ((field, _),) = read_avoid(text).ambiguous
    assert field == "avoid"


def test_a_passage_to_use_is_reported_beside_those_to_avoid() -> None:
    assert read_avoid("via the Cape instead of Suez").wanted == ("south_africa",)
