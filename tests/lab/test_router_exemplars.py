from __future__ import annotations

import pytest

from pilotfish import UsageError
from pilotfish.lab.router_exemplars import load_exemplars, parse_exemplars
from pilotfish.lab.router_styles import REFERENCE, fill_references, mask_references, restyled


def test_slots_are_filled_the_same_way_every_time() -> None:
    text = "@n: 1 | 2 | 3\n@name: Ann | Bo\n% twins: bbh\n+ {name} has {n} and {n}. {name} wins.\n"
    rows = list(parse_exemplars(text))
    assert rows == list(parse_exemplars(text))
    assert all(row.label == 1 and row.twins == ("bbh",) for row in rows)
    for row in rows:
        assert row.text.split()[0] == row.text.split()[-2]


def test_a_line_of_no_known_mark_is_named() -> None:
    with pytest.raises(UsageError, match="line 2"):
        list(parse_exemplars("+ fine\n? what\n"))


def test_the_shipped_exemplars_hold_both_kinds_in_number() -> None:
    rows = load_exemplars()
    reasoning = sum(row.label for row in rows)
    assert min(reasoning, len(rows) - reasoning) > 1000
    assert not any(
        "{" in row.text and "}" in row.text and "_" in row.text for row in rows if "opts" in row.text
    )


def test_masking_and_filling_leave_no_reference() -> None:
    assert mask_references("Is #1 above #s2?") == "Is it above it?"
    assert not REFERENCE.search(fill_references("Is #1 above #s2?"))


def test_restyled_copies_keep_label_and_set_and_differ_from_the_row() -> None:
    [row] = parse_exemplars("+ Is #1 greater than #2?")
    copies = list(restyled(row))
    assert len(copies) >= 3
    assert all((c.label, c.dataset) == (row.label, row.dataset) and c.text != row.text for c in copies)
