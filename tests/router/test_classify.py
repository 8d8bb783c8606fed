from __future__ import annotations

import pytest

from pilotfish import UsageError
from pilotfish.router.classify import BATCH, classify_rows, read_rows
from pilotfish.router.load import load_policy


def test_rows_keep_their_order_and_ids_over_batches() -> None:
    rows = [{"id": i, "text": f"Is {i} greater than 7?"} for i in range(BATCH + 3)]
    found = list(classify_rows(load_policy("rules"), rows))
    assert [row["id"] for row in found] == list(range(BATCH + 3))
    assert set(found[0]) == {"id", "kind", "p_reasoning", "lane", "policy", "version"}


def test_classifying_is_lazy() -> None:
    def rows():
        yield from ({"id": str(i), "text": "x"} for i in range(BATCH))
        raise RuntimeError("read too far")

    found = classify_rows(load_policy("rules"), rows())
    assert next(found)["id"] == "0"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ('{"text": "x"}', "line 2 has no 'id'"),
        ('{"id": "q7"}', r"line 2 \(id 'q7'\) has no 'text'"),
        ('{"id": "q7", "text": 3}', r"line 2 \(id 'q7'\) has no 'text'"),
    ],
)
def test_a_bad_line_is_named(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list(read_rows(['{"id": "a", "text": "fine"}', line]))


def test_blank_lines_are_skipped() -> None:
    assert list(read_rows(["", '{"id": "a", "text": "x"}\n', "  \n"])) == [{"id": "a", "text": "x"}]
