from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab.retrieval_data import read_claims, read_scifact, read_set

CORPUS = """doc_id,title,abstract
10,Cells,"['They divide.'
 ""It's known.""]"
20,Bones,['They break.']
"""
CLAIMS = """id,claim,evidence_doc_id,evidence_label,evidence_sentences,cited_doc_ids
1,Cells divide.,10.0,SUPPORT,[0],[10 20]
1,Cells divide.,10.0,SUPPORT,[1],[10 20]
2,Bones sing.,,,[],[20]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "scifact").mkdir()
    with zipfile.ZipFile(tmp_path / "scifact" / "scifact.zip", "w") as archive:
        archive.writestr("corpus_train.csv", CORPUS)
        archive.writestr("claims_validation.csv", CLAIMS)
    return tmp_path


def test_sentences_stay_apart_and_quotes_of_both_kinds_are_read(data: Path) -> None:
    found = read_scifact(data)
    assert found.texts == ["Cells They divide. It's known.", "Bones They break."]
    assert found.queries == ["Cells divide.", "Bones sing."]
    assert found.relevant == [frozenset({0, 1}), frozenset({1})]


def test_a_claim_without_evidence_keeps_what_it_cites(data: Path) -> None:
    first, second = read_claims(data, split="validation")
    assert (first.evidence, second.evidence, second.cited) == (frozenset({0}), frozenset(), frozenset({1}))


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"codebase_chunks\.json"):
        read_set("anthropic_code", tmp_path)
