from __future__ import annotations

import pytest

from pilotfish.agents.model_lane import final_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Lima", "Lima"),
        ("3 + 5 = 8.\nAnswer: 8", "8"),
        ("Answer: 7, no wait.\nFinal answer: 8 apples", "8 apples"),
        (r"so it is \boxed{\frac{1}{2}}. Answer: other", r"\frac{1}{2}"),
        ("The answer is Tuesday", "Tuesday"),
        ("  ", ""),
    ],
)
def test_the_answer_is_taken_from_where_it_is_stated(text: str, answer: str) -> None:
    assert final_answer(text) == answer
