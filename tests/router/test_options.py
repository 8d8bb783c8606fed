from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pilotfish import UsageError
from pilotfish.router.options import AtLeast, check_values

if TYPE_CHECKING:
    from nowhere import Unknown


def test_what_is_not_annotated_is_not_checked() -> None:
    def make(share=0.5, **rest: int):  # type: ignore[no-untyped-def]
        """Another package's."""

    check_values("theirs", make, {"share": "abc", "more": "abc"}, strict=False)


def test_annotations_that_only_a_type_checker_can_read_are_not_checked() -> None:
    def make(*, what: Unknown, share: float = 0.5) -> None:
        """Another package's."""

    check_values("theirs", make, {"what": 1, "share": "abc"}, strict=False)


def test_a_class_is_checked_by_its_arguments() -> None:
    class Theirs:
        def __init__(self, *, share: float) -> None:
            self.share = share

    with pytest.raises(UsageError, match="policy 'theirs' option 'share' is 'abc', which is not a number"):
        check_values("theirs", Theirs, {"share": "abc"}, strict=False)


def test_what_is_usually_converted_passes_unless_strict() -> None:
    def make(*, path: Path, words: tuple[str, ...] = ()) -> None:
        """Converts them itself."""

    check_values("theirs", make, {"path": "a", "words": ["b"]}, strict=False)
    with pytest.raises(UsageError, match="option 'path' is 'a', which is not a path"):
        check_values("ours", make, {"path": "a"}, strict=True)


def test_the_default_itself_is_always_taken() -> None:
    def make(*, share: float = None) -> None:  # type: ignore[assignment]  # noqa: RUF013 - as some write it
        """Leaves the `| None` out."""

    check_values("theirs", make, {"share": None}, strict=True)


@pytest.mark.parametrize(("value", "good"), [(1, True), (0, False), (True, False), (1.0, False)])
def test_a_least_value_holds(value: Any, good: bool) -> None:
    def make(*, slots: Annotated[int, AtLeast(1)] = 4, prices: Mapping[str, float] | None = None) -> None:
        """With a limit."""

    if good:
        check_values("x", make, {"slots": value}, strict=True)
    else:
        with pytest.raises(UsageError, match="not a whole number from 1 up"):
            check_values("x", make, {"slots": value}, strict=True)
