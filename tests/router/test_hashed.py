from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.router.hashed import size, vector


@given(st.text(max_size=300), st.floats(0, 1))
def test_every_text_has_a_bounded_vector(text: str, p_reasoning: float) -> None:
    found = vector(text, p_reasoning=p_reasoning, buckets=16)
    assert found.shape == (size(16),)
    assert np.isfinite(found).all()
    assert np.linalg.norm(found) <= 2.0


def test_case_does_not_count_and_words_do() -> None:
    one, same, other = (
        vector(text, p_reasoning=0.5, buckets=64) for text in ("Ships sail", "ships SAIL", "Planes fly")
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_vector_is_shared_and_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        vector("a", p_reasoning=0.5, buckets=8)[0] = 1.0


def test_options_numbers_and_kind_are_seen() -> None:
    plain, options = (vector(text, p_reasoning=0.5, buckets=8) for text in ("Which?", "Which?\nA. 3\nB. 5"))
    assert (options[8:] > plain[8:]).sum() >= 3
    sure = vector("Which?", p_reasoning=0.9, buckets=8)
    assert (sure != plain).sum() == 1
