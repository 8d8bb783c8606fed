from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import UsageError
from pilotfish.router.fingerprints import (
    BYTES,
    MAGIC,
    fingerprint,
    fingerprints,
    read_fingerprints,
    write_fingerprints,
)

STEM = "A crate weighs 40 kg; how much do seven such crates weigh together?"


def test_other_options_case_spacing_and_punctuation_leave_a_question_the_same() -> None:
    plain = fingerprint(STEM)
    assert fingerprint(f"{STEM}\nA. 280 kg\nB. 47 kg") == plain
    assert fingerprint(f"{STEM}\n(A) 33 kg\n(B) 280 kg\n(C) 4 kg") == plain
    assert fingerprint("  " + STEM.upper().replace(" ", "\n ").replace(";", ",")) == plain


def test_other_words_and_other_numbers_make_another_question() -> None:
    assert fingerprint(STEM.replace("40", "41")) != fingerprint(STEM)
    assert fingerprint(STEM.replace("crates", "barrels")) != fingerprint(STEM)


def test_a_stem_that_says_nothing_takes_its_options_in() -> None:
    stem = "Which of the following is true?"
    assert fingerprint(f"{stem}\nA. Rice floats\nB. Lead floats") != fingerprint(
        f"{stem}\nA. Ice floats\nB. Lead floats"
    )
    assert fingerprint(f"{stem}\nA. Rice floats") == fingerprint(f"{stem.lower()}\n A)  rice floats.")


def test_the_number_is_pinned_since_files_depend_on_it() -> None:
    assert fingerprint("Who founded Lima?") == 0x5FEB075BE238


@given(st.text())
def test_any_text_has_a_fingerprint_of_48_bits(text: str) -> None:
    assert 0 <= fingerprint(text) < 2 ** (8 * BYTES)


@settings(deadline=None)  # a file is on the disk before it is moved
@given(st.frozensets(st.integers(min_value=0, max_value=2**48 - 1), max_size=50))
def test_a_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, found: frozenset[int]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "learned.rows"
    write_fingerprints(found, path)
    assert read_fingerprints(path) == found
    assert len(path.read_bytes()) == len(MAGIC) + 8 + BYTES * len(found)
    assert [file.name for file in path.parent.iterdir()] == ["learned.rows"]


def test_equal_sets_give_equal_bytes(tmp_path: Path) -> None:
    found = fingerprints([STEM, "Who founded Lima?"])
    write_fingerprints(sorted(found), tmp_path / "a")
    write_fingerprints([*sorted(found, reverse=True), *found], tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "append", "magic"])
def test_an_altered_file_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "learned.rows"
    write_fingerprints(fingerprints(["one", "two", "three"]), path)
    data = bytearray(path.read_bytes())
    if damage == "cut":
        del data[-BYTES:]
    elif damage == "append":
        data += bytes(BYTES)
    else:
        data[0 if damage == "magic" else -1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"learned\.rows.*altered.*train again"):
        read_fingerprints(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no fingerprints at"):
        read_fingerprints(tmp_path / "none.rows")
