from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pilotfish import UsageError
from pilotfish.lab.importers import load_table, write_table

HEADER = "id,prompt,group,m|correct,big|correct,m|cost,big|cost\n"


def put(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_a_written_table_reads_back_the_same(make_table: Any, tmp_path: Path, name: str) -> None:
    table = make_table(20, costs=(0.001, 0.02), prompts=[f'a "quoted",\nnaïve 東京 {n}' for n in range(20)])
    write_table(table, tmp_path / name)
    found = load_table(tmp_path / name)
    assert found.digest == table.digest
    assert found.name == name
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_parquet_is_read_with_truth_values_and_missing_fields_named(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"id": [1, 2], "prompt": ["a", "b"], "m|correct": [True, False], "n|correct": [0.5, 1.0]}
    parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
    found = load_table(tmp_path / "t.parquet")
    assert (found.ids, found.correct.tolist()) == (("1", "2"), [[1.0, 0.5], [0.0, 1.0]])
    parquet.write_table(arrow.table({**columns, "prompt": ["a", None]}), tmp_path / "t.parquet")
    with pytest.raises(UsageError, match=r"row 2 of 't\.parquet' has no 'prompt'"):
        load_table(tmp_path / "t.parquet")
    (tmp_path / "no.parquet").write_bytes(b"id,prompt")
    with pytest.raises(UsageError, match="is no Parquet file"):
        load_table(tmp_path / "no.parquet")


def test_a_byte_order_mark_and_windows_line_ends_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffid,prompt,m|correct\r\n1,what?,TRUE\r\n2,who?,0.25\r\n".encode())
    found = load_table(path)
    assert (found.ids, found.groups, found.correct.ravel().tolist()) == (("1", "2"), None, [1.0, 0.25])


def test_a_prompt_may_be_as_long_as_a_book(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    path = put(tmp_path / "t.csv", f"id,prompt,m|correct\n1,{'word ' * 60_000},1\n")
    assert len(load_table(path).prompts[0]) == 300_000
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no rows"),
        (HEADER, "has no rows"),
        ("a,b\n1,2\n", "is no outcome table: it needs 'id', 'prompt'"),
        ("id,prompt\n1,x\n", "no column 'MODEL|correct'"),
        ("id,prompt,m|correct\n1,x,maybe\n", "row 1 of 't.csv': 'm|correct' is 'maybe'"),
        ("id,prompt,m|correct\n1,x,nan\n", "which is not a number"),
        ("id,prompt,m|correct\n1,x,1.5\n", "'correct' outside 0 to 1"),
        ("id,prompt,m|correct,m|cost\n1,x,1,-2\n", "'cost' that is negative or infinite"),
        ("id,prompt,m|correct,m|cost\n1,x,1,inf\n", "'cost' that is negative or infinite"),
        ("id,prompt,m|correct,m|price\n1,x,1,2\n", r"column 'm\|price' .* is not understood"),
        ("id,prompt,m|correct,n|cost\n1,x,1,2\n", r"column 'n\|cost' .* needs its"),
        ("id,prompt,m|correct,n|correct,m|cost\n1,x,1,1,2\n", r"no column 'n\|cost'"),
        ("id,prompt,m|correct,m|correct\n1,x,1,0\n", r"the column 'm\|correct' twice"),
        ("id,prompt,m|correct\n1,x\n", "row 1 .* more or fewer fields"),
        ("id,prompt,m|correct\n1,x,1,9\n", "row 1 .* more or fewer fields"),
        ("id,prompt,m|correct\n1,x,1\n1,y,0\n", "id '1' stands twice"),
        ("id,prompt,m|correct\n1,x,1\n2, ,0\n", "row 2 of 't.csv' has an empty prompt"),
        ("prompt\nx\n", "no column with the outcomes of a model"),
        ("prompt,m\nx,often\n", "row 1 of 't.csv': 'm' is 'often'"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_table(put(tmp_path / "t.csv", text))


def test_files_that_cannot_be_read_at_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        load_table(tmp_path / "absent.csv")
    (tmp_path / "t.csv").write_bytes(b"id,prompt,m|correct\n1,caf\xe9,1\n")
    with pytest.raises(UsageError, match=r"not UTF-8: .* at byte 25"):
        load_table(tmp_path / "t.csv")
    whole = gzip.compress(b"id,prompt,m|correct\n1,x,1\n")
    for data in (whole[:-9], b"id,prompt"):
        (tmp_path / "t.csv.gz").write_bytes(data)
        with pytest.raises(UsageError, match="damaged or no gzip file"):
            load_table(tmp_path / "t.csv.gz")
    with pytest.raises(UsageError, match="is no JSON"):
        load_table(put(tmp_path / "t.json", "[{]"))


def test_a_folder_of_routellm_files_is_one_table_less_its_contaminated_prompts(tmp_path: Path) -> None:
    folder = tmp_path / "mmlu"
    folder.mkdir()
    put(folder / "mmlu_law.csv", "prompt,weak,strong\nwhat is law?,True,False\nseen before,True,True\n")
    put(folder / "mmlu_art.csv", "prompt,weak,strong\nwhat is art?,False,True\n")
    put(folder / "notes.txt", "not a table")
    put(tmp_path / "mmlu_contaminated.jsonl", json.dumps({"eval_prompt": "seen before"}) + "\n\n")
    found = load_table(folder)
    assert found.prompts == ("what is art?", "what is law?")
    assert found.groups == ("art", "law")
    assert found.correct.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert (found.models, found.dropped) == (("weak", "strong"), 1)


def test_a_folder_of_other_things_is_no_table(tmp_path: Path) -> None:
    put(tmp_path / "table.csv", HEADER)
    with pytest.raises(UsageError, match="holds no outcome table"):
        load_table(tmp_path)
    put(tmp_path / "mmlu_a.csv", "prompt,weak\nx,True\n")
    put(tmp_path / "mmlu_b.csv", "prompt,other\ny,True\n")
    with pytest.raises(UsageError, match=r"row 2 of .* has no 'weak'"):
        load_table(tmp_path)


def test_answers_beside_the_outcomes_are_no_models(tmp_path: Path) -> None:
    text = ",prompt,weak_response,strong_response,weak,strong\n0,how many?,1,2,False,True\n"
    put(tmp_path / "gsm8k_contaminated.jsonl", json.dumps({"eval_prompt": "other"}))
    found = load_table(put(tmp_path / "gsm8k_responses.csv", text))
    assert found.models == ("weak", "strong")
    everything = put(tmp_path / "gsm8k_contaminated.jsonl", json.dumps({"eval_prompt": "how many?"}))
    assert everything.is_file()
    with pytest.raises(UsageError, match="no rows that are not contaminated"):
        load_table(tmp_path / "gsm8k_responses.csv")


def test_llmrouter_scores_become_columns_whatever_their_order(tmp_path: Path) -> None:
    rows = [
        {"question": "one", "scores": {"a": 0.5, "b": 1}, "cluster_id": 3},
        {"question": "two", "scores": {"b": 0, "a": 1.0}, "cluster_id": 4},
    ]
    found = load_table(put(tmp_path / "train.json", "\ufeff" + json.dumps(rows)))
    assert found.correct.tolist() == [[0.5, 1.0], [1.0, 0.0]]
    assert found.groups == ("3", "4")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "is no outcome table"),
        ([], "is no outcome table"),
        ([1], "row 1 of 't.json' has no 'question'"),
        ([{"question": "x"}], "row 1 of 't.json' has no 'scores'"),
        ([{"question": "x", "scores": {}}], "no column with the outcomes"),
        (
            [{"question": "x", "scores": {"a": 1}}, {"question": "y", "scores": {}}],
            "row 2 of 't.json' has no 'a'",
        ),
        ([{"question": "x", "scores": {"a": "good"}}], "'a' is 'good'"),
        ([{"question": "x", "scores": {"a": 7}}], "outside 0 to 1"),
    ],
)
def test_json_of_another_form_is_named(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_table(put(tmp_path / "t.json", json.dumps(value)))


def test_mmlu_pro_prompts_carry_their_options_and_a_missing_outcome_is_a_gap(tmp_path: Path) -> None:
    text = "question_id,category,question,options,answer,m|correct,n|correct\n7,law,who?,me | you,A,1,\n"
    found = load_table(put(tmp_path / "outcomes.csv", text))
    assert (found.ids, found.groups) == (("7",), ("law",))
    assert found.prompts == ("who?\nA. me\nB. you",)
    assert found.correct[0, 0] == 1.0
    assert np.isnan(found.correct[0, 1])
