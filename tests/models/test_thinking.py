from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotfish.models.thinking import extract_boxed, split_thinking

PLAIN = st.text(st.characters(exclude_characters="<>`~\\{}", exclude_categories=("Cs",)))


@pytest.mark.parametrize(
    ("text", "thinking", "answer", "closed"),
    [
        ("42", None, "42", True),
        ("<think>6*7</think>42", "6*7", "42", True),
        ("6*7</think>42", "6*7", "42", True),
        ("<think>never ends", "never ends", "", False),
        ("<THINK>\na\n</ Think >\n b ", "a", "b", True),
        ("<thinking>a</thinking>b", "a", "b", True),
        ("<think>a</think>b<think>c</think>d", "a\n\nc", "bd", True),
        ("<think>a<think>b</think>c</think>d", "a\n\nb\n\nc".replace("a\n\nb", "a<think>b"), "d", True),
        ("<think>the tag <think> opens</think>d", "the tag <think> opens", "d", True),
        ("<think></think>d", None, "d", True),
        ("see\n```\n<think>x</think>\n```\ndone", None, "see\n```\n<think>x</think>\n```\ndone", True),
        ("<think>a\n```\ncode</think>d", "a\n```\ncode", "d", True),
        ("```\nnever closed\n</think>d", "```\nnever closed", "d", True),
        ("", None, "", True),
    ],
)
def test_tags_missing_unclosed_nested_orphaned_or_in_code(
    text: str, thinking: str | None, answer: str, closed: bool
) -> None:
    thought = split_thinking(text)
    assert (thought.thinking, thought.answer, thought.closed) == (thinking, answer, closed)


@given(PLAIN, PLAIN)
def test_a_well_formed_text_is_split_exactly(thinking: str, answer: str) -> None:
    thought = split_thinking(f"<think>{thinking}</think>{answer}")
    assert (thought.thinking, thought.answer) == (thinking.strip() or None, answer.strip())
    assert thought == split_thinking(f"{thinking}</think>{answer}")


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", "\n```\n", " "]), max_size=12).map("".join))
def test_an_answer_outside_code_holds_no_tag_and_no_letter_is_lost(text: str) -> None:
    thought = split_thinking(text)
    if "```" not in text:
        assert "think>" not in thought.answer
    assert (thought.thinking or "").count("a") + thought.answer.count("a") == text.count("a")


@pytest.mark.parametrize(
    ("text", "boxed"),
    [
        (r"so \boxed{42}.", "42"),
        (r"first \boxed{1}, then \boxed{2}", "2"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\left\{1, 2\right\}}", r"\left\{1, 2\right\}"),
        (r"\boxed{a \} b}", r"a \} b"),
        (r"\boxed 5", "5"),
        (r"\boxed 3.5.", "3.5"),
        (r"\fbox{yes}", "yes"),
        (r"\boxed {7}", "7"),
        (r"\boxed{8} and \boxed{9", "8"),
        (r"\boxed{never", None),
        (r"\boxedsomething{4}", None),
        ("no box", None),
        (r"\boxed{}", ""),
    ],
)
def test_the_last_closed_box_counts(text: str, boxed: str | None) -> None:
    assert extract_boxed(text) == boxed


@given(st.recursive(PLAIN, lambda inner: st.tuples(inner, inner).map(lambda two: f"{two[0]}{{{two[1]}}}")))
def test_any_balanced_content_comes_back_whole(content: str) -> None:
    assert extract_boxed(rf"The answer is \boxed{{{content}}}.") == content.strip()
